//! The source for AMQP 1.0 against real brokers, RabbitMQ and Qpid Proton's, and against what may stand there instead;
//! and `check`, `tail` and `publish` where the broker speaks it.

mod checking;
mod hostile;
mod line;
mod listening;
mod proton;
mod publishing;
mod rabbit;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::rabbit::User;
use crate::tail::House;

/// Writes the configuration of somebody who reads these addresses of RabbitMQ, by TLS and with a password.
fn configure(house: &House<'_>, user: &User, addresses: &[&str]) {
    let vhost = &house.vhost;
    let secret = house.stage.home.path().join("password");
    fs::write(&secret, &user.password).unwrap();
    fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        r#"
[instance.lab]
user = "alice"
topic-prefix = "/topic/koji"
hub.ask = false

[instance.lab.broker]
protocol = "amqp-1.0"
url = "amqps://localhost:{port}/{vhost}"
ca-cert = {ca:?}
user = {user:?}
password-file = {secret:?}
addresses = {addresses:?}
"#,
        port = vhost.rabbit.tls_port,
        vhost = vhost.name.replace('/', "%2F"),
        ca = vhost.rabbit.certs.ca(),
        user = user.name,
    );
    fs::write(house.config(), text).unwrap();
}

/// The same for a broker that anybody may use.
fn instance_of_proton(port: u16, addresses: &[&str]) -> String {
    format!(
        "[instance.lab]\nuser = \"alice\"\nhub.ask = false\n\n[instance.lab.broker]\nprotocol = \"amqp-1.0\"\n\
         url = \"amqp://localhost:{port}\"\naddresses = {addresses:?}\n"
    )
}
