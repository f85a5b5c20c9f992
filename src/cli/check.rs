//! (later)
#[derive(Debug, clap::Args)]
pub(super) struct Check {}
impl Check {
    pub(super) async fn run(self, _p: crate::config::Places) -> anyhow::Result<super::exit::Exit> {
        Ok(super::exit::Exit::Done)
    }
}
