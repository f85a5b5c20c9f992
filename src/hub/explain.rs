//! Why it failed: the failed task among those below, its fault, and the log that says why. Of what was canceled, who did
//! it: the hub keeps no name with a canceled task, but whoever cancels a build becomes the owner of a task that mails so.
//!
//! Promise: the parent repeats what a child said, and canceled siblings are a consequence, so the child that failed
//! first is asked. At most [`MAX_LOGS`] logs are read, 64 KiB of each at most, and a log is named only if it was there.
//!
//! It deliberately does not judge: texts are `cause`'s.

use futures_util::FutureExt;
use jiff::SignedDuration;
use tracing::debug;

use super::call::{Answer, BuildKey, BuildRow, Call, OutputFile, TaskResult, TaskRow};
use super::client::Client;
use super::files::{Files, MAX_PART};
use super::trouble::HubError;
use crate::cause::fault::{Said, Verdict, judge};
use crate::cause::log::{Finding, read};
use crate::cause::{Sure, conclude};
use crate::koji::cause::MAX_CAUSE_LINES;
use crate::koji::{BuildState, Cause, CauseClass, LogName, Subject, TaskId, TaskState};

/// The most logs that are read for one failure.
const MAX_LOGS: usize = 3;

/// How far the time of a mail may be from that of the end that it tells of. On a hub both are the time when its
/// transaction began; what we know of it may have lost its fraction.
const MAIL_SLACK: SignedDuration = SignedDuration::from_secs(10);

/// How many mails are read, and how many if all of them are of that moment: many builds can be canceled in one call.
const MAILS: [u32; 2] = [20, 200];

/// Finds out why a build or task failed, or who canceled it. `None`: it has no task, so nobody knows.
///
/// # Errors
///
/// If the hub does not answer. A log that cannot be had is no error: the fault is an answer, too.
pub(super) async fn explain(
    client: &Client,
    files: Option<&Files>,
    about: &Subject,
    task: Option<TaskId>,
) -> Result<Option<Cause>, HubError> {
    let Some(task) = find_task(client, about, task).await? else {
        return Ok(None);
    };
    let calls = vec![Call::Task(task), Call::Descendents(task), Call::TaskResult(task)];
    let mut answers = client.ask(calls).await?.into_iter();
    let top = match answers.next() {
        Some(Ok(Answer::Task(row))) => row,
        _ => None,
    };
    let below = match answers.next() {
        Some(Ok(Answer::Tasks(rows))) => rows,
        _ => Vec::new(),
    };
    let top_said = said(answers.next());
    if let Some(top) = &top
        && let Some(by) = who_canceled(client, top).await?
    {
        return Ok(Some(Cause::canceled(top.task, by)));
    }
    let Some(child) = first_failed(&below) else {
        // It failed by itself: not allowed, already built, a noarch package that differs.
        let Some(top) = top else {
            return Ok(None);
        };
        return Ok(Some(look_into(client, files, &top, top_said, Vec::new()).await));
    };
    let calls = vec![Call::TaskResult(child.task), Call::Output(child.task)];
    let mut answers = client.ask(calls).await?.into_iter();
    let child_said = said(answers.next()).or(top_said);
    let output = match answers.next() {
        Some(Ok(Answer::Output(output))) => output,
        _ => Vec::new(),
    };
    Ok(Some(look_into(client, files, child, child_said, output).await))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "an answer to another question is none")]
async fn find_task(client: &Client, about: &Subject, task: Option<TaskId>) -> Result<Option<TaskId>, HubError> {
    let key = match (about, task) {
        (_, Some(task)) => return Ok(Some(task)),
        (Subject::Task(task), None) => return Ok(Some(*task)),
        (Subject::Build(build), None) => BuildKey::Id(*build),
        (Subject::NamedBuild(nvr), None) => BuildKey::Nvr(nvr.to_string()),
    };
    match client.ask_one(Call::Build(key)).await? {
        Answer::Build(Some(row)) => Ok(row.task),
        _ => Ok(None),
    }
}

/// Returns what a task's result says, if it failed.
fn said(answer: Option<Result<Answer, super::fault::Fault>>) -> Option<super::fault::Fault> {
    match answer? {
        Ok(Answer::Result(TaskResult::Failed(fault))) => Some(fault),
        Ok(_) => None,
        // A canceled or unfinished task has no result; that is what the fault says.
        Err(_) => None,
    }
}

/// Finds out who canceled a task, which the hub tells only where that has canceled a build.
///
/// # Errors
///
/// If the hub does not answer. One that refuses tells nothing.
async fn who_canceled(client: &Client, task: &TaskRow) -> Result<Option<String>, HubError> {
    let Some(ended) = task.completed.filter(|_| task.state == Some(TaskState::Canceled)) else {
        return Ok(None);
    };
    let (Ok(before), Ok(after)) = (ended.checked_add(MAIL_SLACK), ended.checked_sub(MAIL_SLACK)) else {
        return Ok(None);
    };
    for limit in MAILS {
        let mut answers = client.ask(vec![Call::Mails { before, limit }]).await?.into_iter();
        let Some(Ok(Answer::Mails(mails))) = answers.next() else {
            return Ok(None);
        };
        let is_it = |it: &BuildRow| it.task == Some(task.task) && it.state == Some(BuildState::Canceled);
        if let Some(mail) = mails.iter().find(|it| it.build.as_ref().is_some_and(is_it)) {
            return Ok(mail.owner_name.clone());
        }
        // Those that follow are older.
        let is_over = mails.last().is_none_or(|it| it.created.is_none_or(|it| it < after));
        if is_over {
            return Ok(None);
        }
    }
    Ok(None)
}

/// Returns the task that failed first, of those below it the one that did the work.
fn first_failed(below: &[TaskRow]) -> Option<&TaskRow> {
    let failed = || below.iter().filter(|it| it.state == Some(TaskState::Failed));
    let is_parent = |it: &TaskRow| failed().any(|other| other.parent == Some(it.task));
    failed()
        .filter(|it| !is_parent(it))
        .min_by_key(|it| (it.completed.is_none(), it.completed, it.task))
}

/// Reads a failed task's fault and logs.
async fn look_into(
    client: &Client,
    files: Option<&Files>,
    task: &TaskRow,
    fault: Option<super::fault::Fault>,
    output: Vec<OutputFile>,
) -> Cause {
    let canceled = task.state == Some(TaskState::Canceled);
    let verdict = judge(&Said {
        text: fault.as_ref().map_or("", |it| &it.text),
        code: fault.as_ref().map(|it| it.code.number()),
        method: Some(&task.method),
    });
    let found = read_logs(client, files, task.task, &verdict, &output).await;
    let conclusion = conclude(&verdict, &found);
    let is_arch = task.method == "buildArch";
    Cause {
        class: if canceled {
            CauseClass::Canceled
        } else {
            conclusion.class
        },
        task: Some(task.task),
        method: Some(task.method.clone()),
        arch: Some(task.arch.clone())
            .filter(|it| is_arch && !it.is_empty())
            .or(verdict.arch),
        fault: verdict.sentence,
        log: conclusion.log.map(|it| (task.task, it)),
        lines: conclusion.lines.into_iter().take(MAX_CAUSE_LINES).collect(),
        by: None,
    }
}

/// Reads the ends of the logs that may tell more, as long as none is certain.
async fn read_logs(
    client: &Client,
    files: Option<&Files>,
    task: TaskId,
    verdict: &Verdict,
    output: &[OutputFile],
) -> Vec<(LogName, Finding)> {
    let mut wanted: Vec<LogName> = verdict.logs.clone();
    let mut found: Vec<(LogName, Finding)> = Vec::new();
    let mut at = 0;
    while let Some(name) = wanted.get(at).copied().filter(|_| found.len() < MAX_LOGS) {
        at += 1;
        let Some(file) = output.iter().find(|it| it.name == name.file()) else {
            continue;
        };
        let Some((tail, is_whole)) = tail(client, files, task, file).await else {
            continue;
        };
        let finding = read(name, &tail, is_whole);
        let is_enough = finding.class.is_some() && finding.sure >= Sure::Likely && finding.look_in.is_none();
        if let Some(other) = finding.look_in
            && !wanted.contains(&other)
        {
            wanted.push(other);
        }
        found.push((name, finding));
        if is_enough {
            break;
        }
    }
    found
}

/// Returns the end of a log, and whether that is all of it: from the file server, else through the hub.
async fn tail(client: &Client, files: Option<&Files>, task: TaskId, file: &OutputFile) -> Option<(Vec<u8>, bool)> {
    if let Some(files) = files {
        let path = format!("work/tasks/{}/{task}/{}", task.0 % 10_000, file.name);
        match files.tail(&path, MAX_PART).boxed().await {
            Ok(Some(part)) => return Some((part.bytes, part.start == 0)),
            Ok(None) => debug!(%task, file = file.name, "the file server does not have the log"),
            Err(error) => debug!(%task, file = file.name, error = error.detail(), "the log cannot be had"),
        }
    }
    let size = u32::try_from(MAX_PART).unwrap_or(u32::MAX);
    let is_small = file.size.is_some_and(|it| it <= u64::from(size));
    let call = Call::Download {
        task,
        file: file.name.clone(),
        offset: if is_small { 0 } else { -i64::from(size) },
        size,
    };
    match client.ask_one(call).await {
        Ok(Answer::Bytes(bytes)) => Some((bytes, is_small)),
        Ok(_) => None,
        Err(error) => {
            debug!(%task, file = file.name, error = error.detail(), "the hub does not hand out the log");
            None
        }
    }
}
