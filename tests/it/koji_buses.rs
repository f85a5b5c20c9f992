//! What Koji's own plugins send, and what it says: `protonmsg` over AMQP 1.0 and through RabbitMQ, `messagebus` over
//! AMQP 0-10.
//!
//! Our own lab's messages through RabbitMQ are fixtures. All others are read where they lie, if they are there.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use expect_test::{Expect, expect};
use koji_notify::bus::amqp;
use koji_notify::bus::amqp::message::Message;
use koji_notify::bus::decode::plugin::{Content, Letter, decode};
use koji_notify::bus::decode::{DecodeError, Decoded, MAX_BODY, MAX_DEPTH, MAX_TEXT};
use koji_notify::koji::{Change, HubEvent, Subject, UserId};
use koji_notify::watch::Standing;
use lapin::types::{AMQPValue, ByteArray, FieldTable, LongString, ShortString};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

use crate::amqp::encoder::{Tree, message, one_zero, zero_ten};
use crate::decoding::{fixtures, line, shared};
use crate::lab_day;

#[test]
fn protonmsg_through_rabbitmq_is_understood() {
    check(
        &fixtures().join("protonmsg"),
        expect![[r#"
            01-koji-build-complete: build 1 hello-1.0-20261120172159.fc44 BUILDING->COMPLETE owner=alice task=9 target=- created=2026-11-20T17:22:02.84132Z started=- completed=2026-11-20T17:22:10.393261Z #2
            02-koji-build-failed: build 6 hello-9.21-954227.fc44 BUILDING->FAILED owner=alice task=36 target=- created=2026-11-20T17:23:56.930476Z started=- completed=2026-11-20T17:24:11.504776Z #2
            03-koji-build-canceled: build 7 rust-zbus-0.4-954230.fc44 BUILDING->CANCELED owner=alice task=42 target=- created=2026-11-20T17:24:04.025347Z started=- completed=2026-11-20T17:24:08.206362Z #2
            04-koji-build-building: build 1 hello-1.0-20261120172159.fc44 -->BUILDING owner=alice task=9 target=- created=2026-11-20T17:22:02.84132Z started=- completed=- #2
            05-koji-task-closed: below 1: createrepo 4 aarch64 OPEN->CLOSED srpm=- created=2026-11-20T17:21:32.910326Z started=2026-11-20T17:21:33.894817Z completed=2026-11-20T17:21:36.193792Z ?#4
            06-koji-task-free: newRepo 1 - -->FREE owner=- package=- target=f44-build created=- started=- completed=- ?#4
            07-koji-build-tag: tagged 1 hello-1.0-20261120172159.fc44 tag=f44-signing-pending user=alice owner=alice #2
            08-koji-package-add: package add hello tag=f44 user=kojiadmin ?#2
            09-koji-repo-done: repo 1 done tag=f44-build task=1
            10-koji-sign-rpm: signed hello-1.22-954235.fc43.x86_64 key=798b452a build=9 hello-1.22-954235.fc43 owner=alice #2
        "#]],
    );
}

#[test]
fn protonmsg_of_our_lab_is_understood() {
    if let Some(folder) = shared("samples/lab/proton-amqp10") {
        check(
            &folder,
            expect![[r#"
                01-pkglist-add: package add hello tag=f44 user=kojiadmin ?#2
                02-task-newRepo-none-to-free: newRepo 1 - -->FREE owner=- package=- target=f44-build created=- started=- completed=- ?#4
                03-task-newRepo-assigned-to-open: newRepo 1 - ASSIGNED->OPEN owner=- package=- target=f44-build created=2026-11-20T17:21:32.407126Z started=2026-11-20T17:21:32.634411Z completed=- ?#4
                04-repo-init: repo 1 begun tag=f44-build task=1
                05-task-createrepo-none-to-free: below 1: createrepo 4 aarch64 -->FREE srpm=- created=- started=- completed=- ?#4
                06-task-createrepo-open-to-closed: below 1: createrepo 4 aarch64 OPEN->CLOSED srpm=- created=2026-11-20T17:21:32.910326Z started=2026-11-20T17:21:33.894817Z completed=2026-11-20T17:21:36.193792Z ?#4
                07-repo-done: repo 1 done tag=f44-build task=1
                08-task-newRepo-open-to-closed: newRepo 1 - OPEN->CLOSED owner=- package=- target=f44-build created=2026-11-20T17:21:32.407126Z started=2026-11-20T17:21:32.634411Z completed=2026-11-20T17:21:36.696373Z ?#4
                09-task-build-none-to-free: build 9 hello -->FREE owner=- package=hello target=rawhide created=- started=- completed=- ?#2
                10-task-build-free-to-assigned: build 9 hello FREE->ASSIGNED owner=- package=hello target=rawhide created=2026-11-20T17:21:57.283876Z started=- completed=- ?#2
                11-task-build-assigned-to-open: build 9 hello ASSIGNED->OPEN owner=- package=hello target=rawhide created=2026-11-20T17:21:57.283876Z started=2026-11-20T17:21:58.158718Z completed=- ?#2
                12-task-buildSRPMFromSCM-none-to-free: below 9: buildSRPMFromSCM 10 srpm -->FREE srpm=- created=- started=- completed=- ?#2
                13-task-buildSRPMFromSCM-free-to-assigned: below 9: buildSRPMFromSCM 10 srpm FREE->ASSIGNED srpm=- created=2026-11-20T17:21:58.301529Z started=- completed=- ?#2
                14-task-buildSRPMFromSCM-assigned-to-open: below 9: buildSRPMFromSCM 10 srpm ASSIGNED->OPEN srpm=- created=2026-11-20T17:21:58.301529Z started=2026-11-20T17:21:59.406696Z completed=- ?#2
                15-task-buildSRPMFromSCM-open-to-closed: below 9: buildSRPMFromSCM 10 srpm OPEN->CLOSED srpm=hello-1.0-20261120172159.fc44 created=2026-11-20T17:21:58.301529Z started=2026-11-20T17:21:59.406696Z completed=2026-11-20T17:22:02.619286Z ?#2
                16-build-none-to-building: build 1 hello-1.0-20261120172159.fc44 -->BUILDING owner=alice task=9 target=- created=2026-11-20T17:22:02.84132Z started=- completed=- #2
                17-task-buildArch-none-to-free: below 9: buildArch 11 x86_64 -->FREE srpm=- created=- started=- completed=- ?#2
                18-task-buildArch-free-to-assigned: below 9: buildArch 11 x86_64 FREE->ASSIGNED srpm=- created=2026-11-20T17:22:02.993573Z started=- completed=- ?#2
                19-task-buildArch-assigned-to-open: below 9: buildArch 11 x86_64 ASSIGNED->OPEN srpm=- created=2026-11-20T17:22:02.993573Z started=2026-11-20T17:22:03.742727Z completed=- ?#2
                20-task-buildArch-open-to-closed: below 9: buildArch 11 x86_64 OPEN->CLOSED srpm=- created=2026-11-20T17:22:02.993573Z started=2026-11-20T17:22:03.742727Z completed=2026-11-20T17:22:10.150605Z ?#2
                21-build-building-to-complete: build 1 hello-1.0-20261120172159.fc44 BUILDING->COMPLETE owner=alice task=9 target=- created=2026-11-20T17:22:02.84132Z started=- completed=2026-11-20T17:22:10.393261Z #2
                22-import-rpm: imported rpm build=1 hello-1.0-20261120172159.fc44 owner=alice #2
                23-import-build: imported build build=1 hello-1.0-20261120172159.fc44 owner=alice #2
                24-task-buildNotification-none-to-free: buildNotification 13 - -->FREE owner=- package=- target=- created=- started=- completed=- ?#5
                25-task-tagBuild-none-to-free: below 9: tagBuild 14 tag -->FREE srpm=- created=- started=- completed=- ?#2
                26-task-tagBuild-free-to-assigned: below 9: tagBuild 14 tag FREE->ASSIGNED srpm=- created=2026-11-20T17:22:10.555223Z started=- completed=- ?#2
                27-task-tagBuild-assigned-to-open: below 9: tagBuild 14 tag ASSIGNED->OPEN srpm=- created=2026-11-20T17:22:10.555223Z started=2026-11-20T17:22:11.203657Z completed=- ?#2
                28-task-buildNotification-assigned-to-open: buildNotification 13 - ASSIGNED->OPEN owner=- package=- target=- created=2026-11-20T17:22:10.393261Z started=2026-11-20T17:22:11.301915Z completed=- ?#5
                29-tag-f44-signing-pending-user-alice: tagged 1 hello-1.0-20261120172159.fc44 tag=f44-signing-pending user=alice owner=alice #2
                30-task-tagBuild-open-to-closed: below 9: tagBuild 14 tag OPEN->CLOSED srpm=- created=2026-11-20T17:22:10.555223Z started=2026-11-20T17:22:11.203657Z completed=2026-11-20T17:22:11.470411Z ?#2
                31-task-buildNotification-open-to-closed: buildNotification 13 - OPEN->CLOSED owner=- package=- target=- created=2026-11-20T17:22:10.393261Z started=2026-11-20T17:22:11.301915Z completed=2026-11-20T17:22:11.447769Z ?#5
                32-task-build-open-to-closed: build 9 hello OPEN->CLOSED owner=- package=hello target=rawhide created=2026-11-20T17:21:57.283876Z started=2026-11-20T17:21:58.158718Z completed=2026-11-20T17:22:11.629112Z ?#2
                33-untag-f44-signing-pending-user-kojiadmin: untagged 1 hello-1.0-20261120172159.fc44 tag=f44-signing-pending user=kojiadmin owner=alice #2
                34-tag-f44-user-kojiadmin: tagged 1 hello-1.0-20261120172159.fc44 tag=f44 user=kojiadmin owner=alice #2
                35-task-tagNotification-none-to-free: tagNotification 19 - -->FREE owner=- package=- target=- created=- started=- completed=- ?#5
                36-task-build-scratch-free-to-assigned: scratch build 23 python-requests FREE->ASSIGNED owner=- package=python-requests target=rawhide created=2026-11-20T17:23:43.938761Z started=- completed=- ?#2
                37-task-tagNotification-open-to-closed: tagNotification 19 - OPEN->CLOSED owner=- package=- target=- created=2026-11-20T17:23:43.19396Z started=2026-11-20T17:23:44.581527Z completed=2026-11-20T17:23:44.834325Z ?#5
                38-task-build-scratch-assigned-to-open: scratch build 23 python-requests ASSIGNED->OPEN owner=- package=python-requests target=rawhide created=2026-11-20T17:23:43.938761Z started=2026-11-20T17:23:45.105779Z completed=- ?#2
                39-task-rebuildSRPM-none-to-free: below 34: rebuildSRPM 37 srpm -->FREE srpm=- created=- started=- completed=- ?#2
                40-task-rebuildSRPM-open-to-closed: below 34: rebuildSRPM 37 srpm OPEN->CLOSED srpm=hello-2.29-954226.fc44 created=2026-11-20T17:23:51.293886Z started=2026-11-20T17:23:51.915443Z completed=2026-11-20T17:23:54.202871Z ?#2
                41-task-build-scratch-open-to-closed: scratch build 23 python-requests OPEN->CLOSED owner=- package=python-requests target=rawhide created=2026-11-20T17:23:43.938761Z started=2026-11-20T17:23:45.105779Z completed=2026-11-20T17:24:01.364083Z ?#2
                42-task-buildSRPMFromSCM-open-to-failed: below 40: buildSRPMFromSCM 48 srpm OPEN->FAILED srpm=- created=2026-11-20T17:23:56.221215Z started=2026-11-20T17:23:59.494556Z completed=2026-11-20T17:24:02.860564Z ?#2
                43-task-build-open-to-failed: build 40 tree OPEN->FAILED owner=- package=tree target=rawhide created=2026-11-20T17:23:53.34887Z started=2026-11-20T17:23:55.307788Z completed=2026-11-20T17:24:03.63404Z ?#2
                44-pkglist-block: package block newpkg954236 tag=f44 user=kojiadmin ?#2
                45-task-build-open-to-canceled: build 42 rust-zbus OPEN->CANCELED owner=- package=rust-zbus target=rawhide created=2026-11-20T17:23:53.984968Z started=2026-11-20T17:23:56.227265Z completed=2026-11-20T17:24:08.206362Z ?#2
                46-task-buildArch-assigned-to-canceled: below 42: buildArch 69 aarch64 ASSIGNED->CANCELED srpm=- created=2026-11-20T17:24:04.873332Z started=- completed=2026-11-20T17:24:08.206362Z ?#2
                47-task-buildArch-open-to-canceled: below 42: buildArch 67 x86_64 OPEN->CANCELED srpm=- created=2026-11-20T17:24:04.487972Z started=2026-11-20T17:24:07.972642Z completed=2026-11-20T17:24:08.206362Z ?#2
                48-build-building-to-canceled: build 7 rust-zbus-0.4-954230.fc44 BUILDING->CANCELED owner=alice task=42 target=- created=2026-11-20T17:24:04.025347Z started=- completed=2026-11-20T17:24:08.206362Z #2
                49-task-buildSRPMFromSCM-open-to-canceled: below 51: buildSRPMFromSCM 70 srpm OPEN->CANCELED srpm=- created=2026-11-20T17:24:05.533938Z started=2026-11-20T17:24:08.632137Z completed=2026-11-20T17:24:08.838822Z ?#2
                50-task-build-scratch-open-to-canceled: scratch build 55 tree OPEN->CANCELED owner=- package=tree target=rawhide created=2026-11-20T17:23:58.156212Z started=2026-11-20T17:24:05.518654Z completed=2026-11-20T17:24:09.235215Z ?#2
                51-task-buildArch-open-to-failed: below 38: buildArch 58 aarch64 OPEN->FAILED srpm=- created=2026-11-20T17:23:59.653596Z started=2026-11-20T17:24:04.332106Z completed=2026-11-20T17:24:10.750389Z ?#2
                52-task-build-scratch-open-to-failed: scratch build 38 gnome-tweaks OPEN->FAILED owner=- package=gnome-tweaks target=rawhide created=2026-11-20T17:23:51.977682Z started=2026-11-20T17:23:53.705255Z completed=2026-11-20T17:24:11.115562Z ?#2
                53-build-building-to-failed: build 6 hello-9.21-954227.fc44 BUILDING->FAILED owner=alice task=36 target=- created=2026-11-20T17:23:56.930476Z started=- completed=2026-11-20T17:24:11.504776Z #2
                54-build-none-to-building-draft: build 8 python-requests-4.15-954234.fc44,draft_8 -->BUILDING owner=alice task=60 target=- created=2026-11-20T17:24:12.610972Z started=- completed=- #2
                55-build-building-to-complete-draft: build 8 python-requests-4.15-954234.fc44,draft_8 BUILDING->COMPLETE owner=alice task=60 target=- created=2026-11-20T17:24:12.610972Z started=- completed=2026-11-20T17:24:22.579114Z #2
                56-tag-f43-updates-candidate-user-alice: tagged 9 hello-1.22-954235.fc43 tag=f43-updates-candidate user=alice owner=alice #2
                57-tag-f43-user-kojiadmin: tagged 9 hello-1.22-954235.fc43 tag=f43 user=kojiadmin owner=alice #2
                58-untag-f43-user-kojiadmin: untagged 9 hello-1.22-954235.fc43 tag=f43 user=kojiadmin owner=alice #2
                59-tag-f43-user-alice: tagged 9 hello-1.22-954235.fc43 tag=f43 user=alice owner=alice #2
                60-untag-f43-user-alice: untagged 9 hello-1.22-954235.fc43 tag=f43 user=alice owner=alice #2
                61-pkglist-update: package update oddpkg1795195541 tag=f43 user=kojiadmin ?#2
                62-pkglist-unblock: package unblock oddpkg1795195541 tag=f43 user=kojiadmin
                63-pkglist-remove: package remove oddpkg1795195541 tag=f43 user=kojiadmin
                64-build-none-to-complete-without-task: build 10 tree-99.0-1795195544.fc44 -->COMPLETE owner=kojiadmin task=- target=- created=2026-11-20T17:25:45.199021Z started=- completed=2026-11-20T17:25:45.196075Z #1
                65-build-none-to-building-without-task: build 12 hello-200-1795195547 -->BUILDING owner=alice task=- target=- created=2026-11-20T17:25:47.955285Z started=- completed=- #2
                66-build-building-to-failed-without-task: build 12 hello-200-1795195547 BUILDING->FAILED owner=alice task=- target=- created=2026-11-20T17:25:47.955285Z started=- completed=2026-11-20T17:25:48.48698Z #2
                67-task-build-scratch-open-to-free: scratch build 96 tree OPEN->FREE owner=- package=tree target=rawhide created=2026-11-20T17:25:49.795904Z started=2026-11-20T17:25:50.932587Z completed=- ?#2
                68-rpmsign: signed hello-1.22-954235.fc43.x86_64 key=798b452a build=9 hello-1.22-954235.fc43 owner=alice #2
                69-untag-f44-user-kojiadmin: untagged 10 tree-99.0-1795195544.fc44 tag=f44 user=kojiadmin owner=alice #2
                70-build-complete-to-canceled-without-task: build 10 tree-99.0-1795195544.fc44 COMPLETE->CANCELED owner=alice task=- target=- created=2026-11-20T17:25:45.199021Z started=- completed=2026-11-20T17:25:45.196075Z #2
                71-build-canceled-to-deleted-without-task: build 10 tree-99.0-1795195544.fc44 CANCELED->DELETED owner=alice task=- target=- created=2026-11-20T17:25:45.199021Z started=- completed=2026-11-20T17:25:45.196075Z #2
                72-task-chainbuild-none-to-free: chainbuild 98 - -->FREE owner=- package=- target=rawhide created=- started=- completed=- ?#2
                73-task-chainbuild-free-to-assigned: chainbuild 98 - FREE->ASSIGNED owner=- package=- target=rawhide created=2026-11-20T17:25:57.651007Z started=- completed=- ?#2
                74-task-chainbuild-assigned-to-open: chainbuild 98 - ASSIGNED->OPEN owner=- package=- target=rawhide created=2026-11-20T17:25:57.651007Z started=2026-11-20T17:25:57.916643Z completed=- ?#2
                75-task-chainbuild-open-to-failed: chainbuild 98 - OPEN->FAILED owner=- package=- target=rawhide created=2026-11-20T17:25:57.651007Z started=2026-11-20T17:25:57.916643Z completed=2026-11-20T17:25:58.013581Z ?#2
                76-build-promote: promoted 8 python-requests-4.15-954234.fc44 from=954234.fc44,draft_8 user=alice owner=alice #2
                77-build-building-to-complete-without-task: build 14 hello-202-1795195584 BUILDING->COMPLETE owner=alice task=- target=- created=2026-11-20T17:26:25.126585Z started=- completed=2026-11-20T17:26:25.776038Z #2
                78-import-archive: imported archive build=14 hello-202-1795195584 owner=alice #2
                79-import-cg: imported cg build=14 hello-202-1795195584 owner=alice #2
                80-task-chainbuild-open-to-closed: scratch chainbuild 343 - OPEN->CLOSED owner=- package=- target=rawhide created=2026-11-20T17:37:16.347388Z started=2026-11-20T17:37:17.71607Z completed=2026-11-20T17:37:31.44419Z ?#2
            "#]],
        );
    }
}

#[test]
fn protonmsg_of_2017_and_2018_is_understood() {
    if let Some(folder) = shared("samples/protonmsg") {
        check(
            &folder,
            expect![[r#"
                build.building--stomp-headers-2018: build 710916 e2e-4.3-17.el8 -->BUILDING owner=emusk task=17952030 target=- created=2018-08-20T15:07:27.5892Z started=- completed=- #1687
                build.canceled--old-equals-new-2017: build 543196 libgpod-0.8.2-12.el7 CANCELED->CANCELED owner=klember task=12732117 target=- created=2017-03-09T22:16:04.78856Z started=- completed=2017-03-09T22:17:31.16083Z #3004
                build.complete--cg-import-docker-2017: build 550925 metrics-cassandra-docker-3.6.0-3 -->COMPLETE owner=- task=12996137 target=- created=- started=- completed=2017-04-11T22:52:49Z ?#3436
                build.complete--container-big-extra-2018: build 973358 dv-operator-container-1.0-2 -->COMPLETE owner=vhalbert task=23660440 target=- created=2019-09-23T15:07:35.15788Z started=- completed=2019-09-23T15:07:34Z #1130
                build.complete--maven-2017: build 547865 org.jboss-jboss-dmr-1.4.0.Final_redhat_1-1 BUILDING->COMPLETE owner=psakar task=12915073 target=- created=2017-03-31T07:52:33.84396Z started=- completed=- #3099
                build.complete--stomp-headers-stale-info-2018: build 736244 python-attrs-17.4.0-8.el8+1325+72a36e76 BUILDING->COMPLETE owner=mbs task=17582755 target=- created=2018-08-03T17:49:42.73551Z started=- completed=- #4066
                build.deleted--stomp-headers-2018: build 710916 e2e-7.4-36.1528968216 COMPLETE->DELETED owner=emusk task=17954969 target=- created=2018-06-15T20:20:38Z started=- completed=- #37
                build.failed--stomp-headers-2018: build 710916 e2e-7.4-36.1528968216 BUILDING->FAILED owner=emusk task=17954969 target=- created=2018-06-15T20:20:38Z started=- completed=- #37
                build.tag--by-owner-2017: tagged 550575 python-gssapi-1.2.0-3.el7 tag=rhel-7.4-candidate user=rharwood owner=rharwood #2717
                import.build--with-logs-2017: imported build build=550553 ghostscript-9.07-26.el7 owner=dkaspar #3066
                import.cg--container-2017: imported cg build=550756 rhel7-atomic-docker-7.3-17 owner=osbs #3436
                import.image--one-2017: imported image build=550555 rhel-guest-image-7.4-99 owner=compose/rcm-compose-nightly-01.host.prod.eng.bos.redhat.com #3641
                import.rpm--one-2017: imported rpm build=550526 systemd-219-34.el7 owner=lnykryn #1615
                kojira.expired--not-from-the-hub-plugin-2017: other VirtualTopic.eng.brew.kojira.expired
                package.add--plain-2017: package add jboss-logging tag=jb-eap-7.1-rhel-7 user=- ?#3099
                package.remove--short-form-2017: package remove python-nose tag=rhel-7.4-build user=-
                package.unblock--short-form-2017: package unblock rdma-core tag=rhel-7.4 user=-
                package.update--plain-2017: package update iotop tag=rhel-7.4-set user=- ?#746
                repo.done--plain-2017: repo 1961874 done tag=jb-eap-6.3-jdk7-rhel-6-build task=-
                sign.rpm--plain-2017: signed libvirt-devel-3.2.0-2.el7.x86_64 key=fd431d51 build=549993 libvirt-3.2.0-2.el7 owner=jdenemar #798
                task.closed--buildArch-with-result-2017: below 12812634: buildArch 12812639 i686 OPEN->CLOSED srpm=- created=2017-03-20T22:40:53.12865Z started=2017-03-20T22:41:16.79981Z completed=2017-03-20T23:35:26.95728Z ?#2121
                task.closed--buildContainer-stomp-headers-2017: buildContainer 20124784 test-product-docker-container OPEN->CLOSED owner=- package=test-product-docker-container target=rhel-docker-candidate created=2017-07-26T06:30:18.22566Z started=2017-07-26T06:30:30.82726Z completed=2017-07-26T06:39:54.90707Z ?#3447
                task.closed--newRepo-stomp-headers-2017: newRepo 13317101 - OPEN->CLOSED owner=- package=- target=rhos-12.0-rhel-7-build created=2017-05-31T17:54:15.916Z started=2017-05-31T17:54:16.59157Z completed=2017-05-31T17:58:20.2997Z ?#3371
                task.failed--buildArch-2017: below 12826299: buildArch 12826300 x86_64 OPEN->FAILED srpm=- created=2017-03-21T21:34:20.97769Z started=2017-03-21T21:34:35.80638Z completed=2017-03-21T22:18:59.77772Z ?#740
                task.free--request-is-raw-xml-2017: newRepo 18064 - -->FREE owner=- package=- target=rhel-7.4-candidate created=- started=- completed=- ?#1
                task.open--build-kernel-rt-2017: build 12812867 kernel-rt FREE->OPEN owner=- package=kernel-rt target=rhel-7.4-candidate created=2017-03-20T23:28:12.50661Z started=2017-03-20T23:28:24.07159Z completed=- ?#588
            "#]],
        );
    }
}

#[test]
fn protonmsg_of_2023_is_understood() {
    if let Some(folder) = shared("samples/protonmsg-derived") {
        check(
            &folder,
            expect![[r#"
                build.building--image-2023: build 2211149 Fedora-Cloud-Base-Vagrant-37-20230609.0 -->BUILDING owner=releng task=101963955 target=- created=2023-06-09T08:15:54.54635Z started=- completed=- #3445
                build.complete--koji-unit-btypes: build 1 test-pkg-1.0-1 BUILDING->COMPLETE owner=- task=- target=- created=- started=- completed=-
                build.complete--rpm-2023: build 2211083 grep-3.11-1.fc39 BUILDING->COMPLETE owner=jskarvad task=101962689 target=- created=2023-06-09T07:17:25.39782Z started=- completed=2023-06-09T07:32:16.160696Z #1289
                build.failed--image-2023: build 2211099 Fedora-Container-Minimal-Base-38-20230609.0 BUILDING->FAILED owner=releng task=101962163 target=- created=2023-06-09T06:45:50.418152Z started=- completed=2023-06-09T07:31:20.250419Z #3445
                package.add--koji-unit: package add test-pkg tag=test-tag user=username ?#1
                package.update--2023: package update nats-server tag=f39 user=bodhi ?#5170
                repo.done--koji-unit: repo 1234 done tag=test-tag task=25
                repo.init--2023: repo 9001680 begun tag=epel7-infra-mailman task=110011401
                task.closed--scratch-srpm-2023: scratch build 110011389 golang-modernc-file-1.0.8-1.fc38 OPEN->CLOSED owner=dummy-user package=golang-modernc-file target=rawhide created=2023-06-08T11:35:13.123218Z started=2023-06-08T11:35:14.048696Z completed=2023-06-08T11:40:31.858334Z
                task.failed--scratch-2023: scratch build 110011398 khal-0.11.2-1.fc38 OPEN->FAILED owner=dummy-user package=khal target=rawhide created=2023-06-08T12:08:06.480133Z started=2023-06-08T12:08:06.983868Z completed=2023-06-08T12:12:01.52956Z
                task.open--koji-unit: below 1234: build 5678  FREE->OPEN srpm=- created=- started=- completed=-
                task.open--scratch-2023: scratch build 110011364 python-atpublic FREE->OPEN owner=dummy-user package=python-atpublic target=rawhide created=2023-06-08T09:56:21.738084Z started=2023-06-08T09:56:21.897874Z completed=-
            "#]],
        );
    }
}

#[test]
fn messagebus_is_understood() {
    if let Some(folder) = shared("samples/messagebus-derived") {
        check(
            &folder,
            expect![[r#"
                BuildStateChange--build.building.stomp-headers-2018: build 710916 e2e-4.3-17.el8 -->BUILDING owner=emusk task=17952030 target=- created=2018-08-20T15:07:27.5892Z started=- completed=- #1687
                BuildStateChange--build.canceled.old-equals-new-2017: build 543196 libgpod-0.8.2-12.el7 CANCELED->CANCELED owner=klember task=12732117 target=- created=2017-03-09T22:16:04.78856Z started=- completed=2017-03-09T22:17:31.16083Z #3004
                BuildStateChange--build.complete.cg-import-docker-2017: build 550925 metrics-cassandra-docker-3.6.0-3 -->COMPLETE owner=- task=12996137 target=- created=- started=- completed=2017-04-11T22:52:49Z ?#3436
                BuildStateChange--build.complete.stomp-headers-stale-info-2018: build 736244 python-attrs-17.4.0-8.el8+1325+72a36e76 BUILDING->COMPLETE owner=mbs task=17582755 target=- created=2018-08-03T17:49:42.73551Z started=- completed=- #4066
                BuildStateChange--build.deleted.stomp-headers-2018: build 710916 e2e-7.4-36.1528968216 COMPLETE->DELETED owner=emusk task=17954969 target=- created=2018-06-15T20:20:38Z started=- completed=- #37
                BuildStateChange--build.failed.stomp-headers-2018: build 710916 e2e-7.4-36.1528968216 BUILDING->FAILED owner=emusk task=17954969 target=- created=2018-06-15T20:20:38Z started=- completed=- #37
                Import--import.build.with-logs-2017: imported build build=550553 ghostscript-9.07-26.el7 owner=dkaspar #3066
                PackageListChange--package.add.plain-2017: package add jboss-logging tag=jb-eap-7.1-rhel-7 user=- ?#3099
                PackageListChange--package.unblock.short-form-2017: package unblock rdma-core tag=rhel-7.4 user=-
                RPMSign--sign.rpm.plain-2017: signed libvirt-devel-3.2.0-2.el7.x86_64 key=fd431d51 build=549993 libvirt-3.2.0-2.el7 owner=jdenemar #798
                RepoDone--repo.done.plain-2017: repo 1961874 done tag=jb-eap-6.3-jdk7-rhel-6-build task=-
                Tag--build.tag.by-owner-2017: tagged 550575 python-gssapi-1.2.0-3.el7 tag=rhel-7.4-candidate user=rharwood owner=rharwood #2717
                TaskStateChange--attribute-host_id: not for us: attribute host_id
                TaskStateChange--task.closed.buildArch-with-result-2017: below 12812634: buildArch 12812639 i686 OPEN->CLOSED srpm=- created=2017-03-20T22:40:53.12865Z started=2017-03-20T22:41:16.79981Z completed=2017-03-20T23:35:26.95728Z ?#2121
                TaskStateChange--task.closed.buildContainer-stomp-headers-2017: buildContainer 20124784 test-product-docker-container OPEN->CLOSED owner=- package=test-product-docker-container target=rhel-docker-candidate created=2017-07-26T06:30:18.22566Z started=2017-07-26T06:30:30.82726Z completed=2017-07-26T06:39:54.90707Z ?#3447
                TaskStateChange--task.failed.buildArch-2017: below 12826299: buildArch 12826300 x86_64 OPEN->FAILED srpm=- created=2017-03-21T21:34:20.97769Z started=2017-03-21T21:34:35.80638Z completed=2017-03-21T22:18:59.77772Z ?#740
                TaskStateChange--task.free.request-is-raw-xml-2017: newRepo 18064 - -->FREE owner=- package=- target=rhel-7.4-candidate created=- started=- completed=- ?#1
                TaskStateChange--task.open.build-kernel-rt-2017: build 12812867 kernel-rt FREE->OPEN owner=- package=kernel-rt target=rhel-7.4-candidate created=2017-03-20T23:28:12.50661Z started=2017-03-20T23:28:24.07159Z completed=- ?#588
            "#]],
        );
    }
}

#[test]
fn encoded_messages_say_the_same_as_their_json() {
    if let Some(folder) = shared("samples/protonmsg-derived") {
        let mut count = 0;
        for file in files(&folder, "amqp10") {
            let bytes = std::fs::read(&file).unwrap();
            let message = Message::read([bytes.as_slice()]).unwrap();
            let sample = Sample::read(&file.with_extension("json"));
            let letter = Letter::of_message(message, None).unwrap();
            assert_eq!(letter.name, sample.name.as_deref(), "{file:?}");
            assert_eq!(decode("", &letter).unwrap(), sample.told().unwrap(), "{file:?}");
            count += 1;
        }
        assert_eq!(count, 8);
    }
    if let Some(folder) = shared("samples/messagebus-derived") {
        let mut count = 0;
        for file in files(&folder, "amqp010-map") {
            let sample = Sample::read(&file.with_extension("json"));
            let letter = Letter {
                content: Content::ZeroTen(std::fs::read(&file).unwrap().into()),
                ..sample.letter()
            };
            assert_eq!(decode("", &letter).unwrap(), sample.told().unwrap(), "{file:?}");
            count += 1;
        }
        assert_eq!(count, 3);
    }
}

#[test]
fn a_day_of_our_lab_tells_each_final_state_that_the_other_bus_tells() {
    let Some(folder) = shared("samples/lab/day") else {
        return;
    };
    let unpacked = Command::new("gzip")
        .arg("-dc")
        .arg(folder.join("protonmsg-amqp10.jsonl.gz"))
        .output()
        .unwrap();
    assert!(unpacked.status.success(), "{unpacked:?}");
    let text = String::from_utf8(unpacked.stdout).unwrap();
    let told: Vec<Decoded> = text
        .lines()
        .map(|it| Sample::of(&serde_json::from_str(it).unwrap()).told().unwrap())
        .collect();
    assert_eq!(told.len(), 5417);
    let names = names(&told);
    assert_eq!(names.get(&UserId(2)).map(String::as_str), Some("alice"));
    let fedora = lab_day::day(&folder);
    for user in ["alice", "bob"] {
        let mut ends: BTreeMap<Subject, lab_day::End> = BTreeMap::new();
        for (change, owner) in changes(&told) {
            let name = change.owner().or_else(|| names.get(&owner?).map(String::as_str));
            let (standing, nvr) = match change {
                Change::Build(it) => (Standing::Build(it.new), Some(it.nvr.clone())),
                // The other bus tells of no other tasks.
                Change::Task(it) if it.scratch => (Standing::Task(it.new), None),
                Change::Task(_) | Change::Tag(_) => continue,
            };
            if name == Some(user) && standing.is_settled() {
                let times = ends.get(&change.subject()).map_or(0, |it| it.times) + 1;
                ends.insert(change.subject(), lab_day::End { standing, nvr, times });
            }
        }
        assert_eq!(ends, lab_day::final_states(&fedora, user), "{user}");
    }
    same_on_both_buses(&told, &lab_day::changes(&fedora));
    let below = told.iter().filter(|it| {
        matches!(
            it,
            Decoded::News {
                event: HubEvent::Child(_),
                ..
            }
        )
    });
    assert!(below.count() > 1000);
    let other = told.iter().filter(|it| {
        matches!(
            it,
            Decoded::News {
                event: HubEvent::Other { .. },
                ..
            }
        )
    });
    assert_eq!(other.count(), 0);
    // A task is told of with all that is asked of it from its first moment.
    let first =
        changes(&told).filter(|(it, _)| matches!(it, Change::Task(it) if it.method == "build" && it.old.is_none()));
    let first: Vec<&Change> = first.map(|(it, _)| it).collect();
    assert!(first.len() > 100);
    let mut scratch = 0;
    for change in first {
        let Change::Task(new) = change else { continue };
        assert!(new.package.is_some() && new.target.is_some(), "{new:?}");
        scratch += usize::from(new.scratch);
        for (later, _) in changes(&told).filter(|(it, _)| it.subject() == change.subject()) {
            let Change::Task(later) = later else { continue };
            assert_eq!(
                (&later.what, &later.target, later.scratch),
                (&new.what, &new.target, new.scratch)
            );
        }
    }
    assert!(scratch > 10);
}

#[test]
fn the_address_or_the_type_says_what_it_is() {
    let told = |prefix: &str, address: Option<&str>, name: Option<&str>| {
        let letter = Letter {
            address,
            name,
            content: Content::Json(EVERYTHING.as_bytes().into()),
            sent: None,
        };
        match decode(prefix, &letter).unwrap() {
            Decoded::News { event, .. } => line_of(&event),
            Decoded::NotForUs(reason) => format!("not for us: {reason}"),
        }
    };
    let cases = [
        ("", "topic://koji.build.complete", ""),
        ("", "/topic/VirtualTopic.eng.brew.build.complete", ""),
        ("", "koji.build.tag", ""),
        ("", "build.untag", ""),
        ("", "koji.build.promote", ""),
        ("", "koji.task.closed", ""),
        ("", "koji.package.add", ""),
        ("", "koji.import.rpm", ""),
        ("", "koji.sign.rpm", ""),
        ("", "koji.repo.init", ""),
        ("", "koji.repo.done", ""),
        ("", "koji.repo.expired", ""),
        ("", "koji.event.Tag.f44.BuildStateChange.mona", ""),
        ("", "koji.event.BuildStateChange.state.python3_11", ""),
        ("", "", ""),
        ("koji", "topic://koji.build.complete", ""),
        ("topic://koji", "/topic/koji.build.complete", ""),
        ("topic://koji", "koji.build.complete", ""),
        ("/topic/koji", "/exchanges/amq.topic/koji.build.untag", ""),
        ("/exchange/amq.topic/koji", "koji.build.untag", ""),
        ("koji", "topic://kojistg.build.complete", ""),
        ("koji", "topic://koji.stg.build.complete", ""),
        ("koji", "topic://stg.koji.build.complete", ""),
        ("koji", "topic://stg.koji.build.complete", "BuildStateChange"),
        ("koji.event", "koji.event.Untag.f44.hello.mona", ""),
        ("koji.event", "koji.event.Import.Tag", ""),
        ("koji", "", "BuildStateChange"),
        ("koji", "koji.build.complete", "Tag"),
        ("koji", "koji.build.complete", "RepoExpired"),
    ];
    let mut list = String::new();
    for (prefix, address, name) in cases {
        let some = |it: &'static str| Some(it).filter(|it| !it.is_empty());
        let told = told(prefix, some(address), some(name));
        writeln!(list, "{prefix:?} {address:?} {name:?}\n    {told}").unwrap();
    }
    expect![[r#"
        "" "topic://koji.build.complete" ""
            build 7 a-1-2 -->COMPLETE owner=- task=- target=- created=- started=- completed=-
        "" "/topic/VirtualTopic.eng.brew.build.complete" ""
            build 7 a-1-2 -->COMPLETE owner=- task=- target=- created=- started=- completed=-
        "" "koji.build.tag" ""
            tagged 8 b-1-2 tag=f44 user=mona owner=-
        "" "build.untag" ""
            untagged 8 b-1-2 tag=f44 user=mona owner=-
        "" "koji.build.promote" ""
            promoted 8 b-1-3 from=3,draft_8 user=mona owner=-
        "" "koji.task.closed" ""
            newRepo 7 - -->OPEN owner=- package=- target=- created=- started=- completed=-
        "" "koji.package.add" ""
            package add c tag=f44 user=mona
        "" "koji.import.rpm" ""
            imported cg build=8 b-1-2 owner=-
        "" "koji.sign.rpm" ""
            not for us: attribute sighash
        "" "koji.repo.init" ""
            repo 9 begun tag=f44 task=-
        "" "koji.repo.done" ""
            repo 10 done tag=f44-build task=-
        "" "koji.repo.expired" ""
            other koji.repo.expired
        "" "koji.event.Tag.f44.BuildStateChange.mona" ""
            tagged 8 b-1-2 tag=f44 user=mona owner=-
        "" "koji.event.BuildStateChange.state.python3_11" ""
            build 7 a-1-2 -->COMPLETE owner=- task=- target=- created=- started=- completed=-
        "" "" ""
            not for us: neither an address nor a type
        "koji" "topic://koji.build.complete" ""
            build 7 a-1-2 -->COMPLETE owner=- task=- target=- created=- started=- completed=-
        "topic://koji" "/topic/koji.build.complete" ""
            build 7 a-1-2 -->COMPLETE owner=- task=- target=- created=- started=- completed=-
        "topic://koji" "koji.build.complete" ""
            build 7 a-1-2 -->COMPLETE owner=- task=- target=- created=- started=- completed=-
        "/topic/koji" "/exchanges/amq.topic/koji.build.untag" ""
            untagged 8 b-1-2 tag=f44 user=mona owner=-
        "/exchange/amq.topic/koji" "koji.build.untag" ""
            untagged 8 b-1-2 tag=f44 user=mona owner=-
        "koji" "topic://kojistg.build.complete" ""
            not for us: another topic prefix
        "koji" "topic://koji.stg.build.complete" ""
            other stg.build.complete
        "koji" "topic://stg.koji.build.complete" ""
            not for us: another topic prefix
        "koji" "topic://stg.koji.build.complete" "BuildStateChange"
            not for us: another topic prefix
        "koji.event" "koji.event.Untag.f44.hello.mona" ""
            untagged 8 b-1-2 tag=f44 user=mona owner=-
        "koji.event" "koji.event.Import.Tag" ""
            imported cg build=8 b-1-2 owner=-
        "koji" "" "BuildStateChange"
            build 7 a-1-2 -->COMPLETE owner=- task=- target=- created=- started=- completed=-
        "koji" "koji.build.complete" "Tag"
            tagged 8 b-1-2 tag=f44 user=mona owner=-
        "koji" "koji.build.complete" "RepoExpired"
            other RepoExpired
    "#]]
    .assert_eq(&list);
}

#[test]
fn what_identifies_the_news_must_be_right() {
    let cases = [
        ("BuildStateChange", r#"{}"#),
        ("BuildStateChange", r#"[]"#),
        ("BuildStateChange", r#""text""#),
        ("BuildStateChange", r#"{"new": 1}"#),
        (
            "BuildStateChange",
            r#"{"new": 1, "info": {"name": "a", "version": "1", "release": "1"}}"#,
        ),
        (
            "BuildStateChange",
            r#"{"new": "COMPLETE", "info": {"name": "a", "version": 1, "release": 1.5}}"#,
        ),
        (
            "BuildStateChange",
            r#"{"new": 9, "info": {"name": "a", "version": "1", "release": "1"}}"#,
        ),
        (
            "BuildStateChange",
            r#"{"new": 1, "info": {"id": -1, "name": "a", "version": "1", "release": "1"}}"#,
        ),
        ("BuildStateChange", r#"{"attribute": "volume_id", "new": 1}"#),
        ("TaskStateChange", r#"{"new": "OPEN", "info": {"id": 1}}"#),
        ("TaskStateChange", r#"{"new": "OPEN", "info": {"method": "build"}}"#),
        (
            "TaskStateChange",
            r#"{"new": "OPEN", "info": {"id": 1, "method": "build"}}"#,
        ),
        (
            "TaskStateChange",
            r#"{"new": "LOST", "info": {"id": 1, "method": "build"}}"#,
        ),
        (
            "TaskStateChange",
            r#"{"new": "OPEN", "info": {"id": 1, "parent": "x", "method": "build"}}"#,
        ),
        (
            "TaskStateChange",
            r#"{"new": "OPEN", "info": {"id": 1, "method": "build", "request": "<?xml version='1.0'?><!DOCTYPE a>"}}"#,
        ),
        (
            "TaskStateChange",
            r#"{"new": "OPEN", "info": {"id": 1, "method": "build", "request": {"odd": []}, "owner": "mona"}}"#,
        ),
        ("TaskStateChange", r#"{"attribute": "host_id", "new": 95}"#),
        ("Tag", r#"{"tag": "f44", "build": 7}"#),
        (
            "Tag",
            r#"{"build": {"id": 7, "name": "a", "version": "1", "release": "1"}, "user": null}"#,
        ),
        ("PackageListChange", r#"{"action": "add"}"#),
        ("RepoInit", r#"{"tag": {"name": "f44"}}"#),
        ("RepoDone", r#"{"repo": null}"#),
        ("RPMSign", r#"{"sigkey": "", "rpm": {}}"#),
        ("RPMSign", r#"{"sigkey": "abcd", "rpm": {}}"#),
        (
            "RPMSign",
            r#"{"attribute": "sighash", "old": null, "new": "00", "info": {}}"#,
        ),
        (
            "Import",
            r#"{"type": "cg", "build": {"error": "cannot be written", "type": "x"}}"#,
        ),
        ("Import", r#"{}"#),
        (
            "BuildPromote",
            r#"{"build": {"id": 7, "name": "a", "version": "1", "release": "1,draft_7"}, "target_release": "1"}"#,
        ),
    ];
    let mut list = String::new();
    for (name, body) in cases {
        let from_json = told(name, Content::Json(body.as_bytes().into()));
        let tree = Tree::of_json(&serde_json::from_str(body).unwrap());
        if let Tree::Map(_) = &tree {
            let ten = told(name, Content::ZeroTen(zero_ten(&tree).into()));
            assert_eq!(ten, from_json, "{body}");
            let one = one_zero(&tree, true);
            let one = told(name, Content::Map(amqp::one_zero(&one).unwrap().0));
            assert_eq!(one, from_json, "{body}");
        }
        writeln!(list, "{name} {body}\n    {from_json}").unwrap();
    }
    expect![[r#"
        BuildStateChange {}
            malformed: the body is not as expected: new is no state
        BuildStateChange []
            malformed: the body is not as expected: invalid type: sequence, expected an object at line 1 column 0
        BuildStateChange "text"
            malformed: the body is not as expected: invalid type: string \"text\", expected an object at line 1 column 6
        BuildStateChange {"new": 1}
            malformed: the body is not as expected: info is no object
        BuildStateChange {"new": 1, "info": {"name": "a", "version": "1", "release": "1"}}
            build - a-1-1 -->COMPLETE owner=- task=- target=- created=- started=- completed=-
        BuildStateChange {"new": "COMPLETE", "info": {"name": "a", "version": 1, "release": 1.5}}
            build - a-1-1.5 -->COMPLETE owner=- task=- target=- created=- started=- completed=-
        BuildStateChange {"new": 9, "info": {"name": "a", "version": "1", "release": "1"}}
            not for us: state from the future
        BuildStateChange {"new": 1, "info": {"id": -1, "name": "a", "version": "1", "release": "1"}}
            malformed: the body is not as expected: build_id is no id
        BuildStateChange {"attribute": "volume_id", "new": 1}
            not for us: attribute volume_id
        TaskStateChange {"new": "OPEN", "info": {"id": 1}}
            malformed: the body is not as expected: the task has no method
        TaskStateChange {"new": "OPEN", "info": {"method": "build"}}
            malformed: the body is not as expected: the task has no id
        TaskStateChange {"new": "OPEN", "info": {"id": 1, "method": "build"}}
            build 1 - -->OPEN owner=- package=- target=- created=- started=- completed=-
        TaskStateChange {"new": "LOST", "info": {"id": 1, "method": "build"}}
            not for us: state from the future
        TaskStateChange {"new": "OPEN", "info": {"id": 1, "parent": "x", "method": "build"}}
            malformed: the body is not as expected: info.parent is no id
        TaskStateChange {"new": "OPEN", "info": {"id": 1, "method": "build", "request": "<?xml version='1.0'?><!DOCTYPE a>"}}
            build 1 - -->OPEN owner=- package=- target=- created=- started=- completed=-
        TaskStateChange {"new": "OPEN", "info": {"id": 1, "method": "build", "request": {"odd": []}, "owner": "mona"}}
            build 1 - -->OPEN owner=mona package=- target=- created=- started=- completed=-
        TaskStateChange {"attribute": "host_id", "new": 95}
            not for us: attribute host_id
        Tag {"tag": "f44", "build": 7}
            malformed: the body is not as expected: build is no object
        Tag {"build": {"id": 7, "name": "a", "version": "1", "release": "1"}, "user": null}
            tagged 7 a-1-1 tag=- user=- owner=-
        PackageListChange {"action": "add"}
            malformed: the body is not as expected: there is no package
        RepoInit {"tag": {"name": "f44"}}
            malformed: the body is not as expected: the repository has no id
        RepoDone {"repo": null}
            malformed: the body is not as expected: repo is no object
        RPMSign {"sigkey": "", "rpm": {}}
            not for us: a header without a signature
        RPMSign {"sigkey": "abcd", "rpm": {}}
            malformed: the body is not as expected: there is no name
        RPMSign {"attribute": "sighash", "old": null, "new": "00", "info": {}}
            not for us: attribute sighash
        Import {"type": "cg", "build": {"error": "cannot be written", "type": "x"}}
            imported cg build=- - owner=-
        Import {}
            malformed: the body is not as expected: there is no type
        BuildPromote {"build": {"id": 7, "name": "a", "version": "1", "release": "1,draft_7"}, "target_release": "1"}
            promoted 7 a-1-1 from=- user=- owner=-
    "#]]
    .assert_eq(&list);
}

#[test]
fn limits_hold_in_every_encoding() {
    let kind = |content: Content<'_>| told("Tag", content).split(':').next().unwrap().to_owned();
    assert_eq!(kind(Content::Json(vec![b' '; MAX_BODY + 1].into())), "too large");
    assert_eq!(kind(Content::ZeroTen(vec![b' '; MAX_BODY + 1].into())), "too large");
    let deep = format!("{}{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1));
    assert_eq!(kind(Content::Json(deep.clone().into_bytes().into())), "too deep");
    let map = Tree::Map(vec![(
        Tree::Text("a".to_owned()),
        Tree::of_json(&serde_json::from_str(&deep).unwrap()),
    )]);
    assert_eq!(kind(Content::ZeroTen(zero_ten(&map).into())), "too deep");
    assert_eq!(kind(Content::ZeroTen(b"{}".as_slice().into())), "not AMQP");
    assert_eq!(kind(Content::Json(b"\xff".as_slice().into())), "not UTF-8");
    assert_eq!(kind(Content::Json(b"\x00Sw".as_slice().into())), "not JSON");
    // A part of a long name would name something else; what is only shown is cut.
    let long = "x".repeat(MAX_TEXT + 1);
    let body = |tag: &str, user: &str| {
        format!(
            r#"{{"tag": {{"name": "{tag}"}}, "user": {{"name": "{user}"}}, "build": {{"id": 7, "name": "a", "version": "1", "release": "1"}}}}"#
        )
    };
    assert_eq!(kind(Content::Json(body("f44", &long).into_bytes().into())), "malformed");
    let cut = told("Tag", Content::Json(body(&long, "mona").into_bytes().into()));
    assert!(cut.contains(&format!("tag={} ", &long[..MAX_TEXT])), "{cut}");
    // A field that is a number's place is nobody's.
    let odd = Tree::Map(vec![
        (Tree::Unsigned(0), Tree::Text("volume_id".to_owned())),
        (Tree::Text("new".to_owned()), Tree::Whole(9)),
    ]);
    let odd = one_zero(&odd, true);
    let told = told("BuildStateChange", Content::Map(amqp::one_zero(&odd).unwrap().0));
    assert_eq!(told, "not for us: state from the future");
}

#[test]
fn what_is_hostile_takes_little_memory() {
    let lists = |piece: &str, close: &str| {
        let count = 250_000 / (piece.len() + close.len());
        format!("<methodCall>{}</methodCall>", format!("{piece}{close}").repeat(count))
    };
    let call = |text: &str| format!(r#"{{"new": 0, "info": {{"id": 7, "method": "build", "request": "{text}"}}}}"#);
    let bodies = [
        call(&lists("<value/>", "")),
        call(&lists("<value><array><data>", "</data></array></value>")),
        call(&format!(
            "<methodCall><value><struct>{}</struct></value></methodCall>",
            (0..6000)
                .map(|it| format!("<name>{it}</name><value>x</value>"))
                .collect::<String>()
        )),
        call(&"<value>".repeat(500_000)),
        format!(
            r#"{{"new": 0, "info": {{"id": 7, "method": "build", "request": [{}7]}}}}"#,
            "{},".repeat(1_000_000)
        ),
        format!(
            r#"{{"new": 0, "info": {{"id": 7, "method": "build", "result": [{}7]}}}}"#,
            "[],".repeat(1_000_000)
        ),
    ];
    for body in bodies {
        assert!(body.len() < MAX_BODY);
        let mut answer = String::new();
        let info = allocation_counter::measure(|| {
            answer = told("TaskStateChange", Content::Json(body.as_bytes().into()));
        });
        assert!(answer.starts_with("build 7"), "{answer}");
        assert!(info.bytes_max < 4 * 1024 * 1024, "{info:?} for {}", &body[..100]);
    }
}

#[test]
fn whatever_a_broker_makes_of_it_it_is_the_same_letter() {
    let json = r#"{"attribute": "state", "old": 0, "new": 1, "info": {"build_id": 7, "name": "a", "version": "1", "release": "1", "owner_name": "mona", "owner_id": 3}}"#;
    let text = |it: &str| Tree::Text(it.to_owned());
    let said = Tree::Map(vec![(text("type"), text("BuildStateChange"))]);
    let map = Tree::of_json(&serde_json::from_str(json).unwrap());
    let of_map = Tree::List(vec![
        Tree::Null,
        Tree::Null,
        text("q"),
        text("s"),
        Tree::Null,
        Tree::Null,
        text("amqp/map"),
    ]);
    let subject = Tree::List(vec![
        Tree::Null,
        Tree::Null,
        Tree::Null,
        text("koji.event.BuildStateChange.state.a"),
    ]);
    let forms = [
        vec![(0x74, said.clone()), (0x77, text(json))],
        vec![(0x74, said.clone()), (0x75, Tree::Bytes(json.as_bytes().to_vec()))],
        vec![(0x74, said.clone()), (0x77, Tree::Bytes(json.as_bytes().to_vec()))],
        vec![(0x74, said.clone()), (0x77, map.clone())],
        vec![(0x73, subject), (0x77, map.clone())],
        vec![(0x73, of_map), (0x74, said), (0x75, Tree::Bytes(zero_ten(&map)))],
    ];
    for form in forms {
        let bytes = message(&form);
        let letter = Letter::of_message(Message::read([bytes.as_slice()]).unwrap(), None).unwrap();
        let told = decode("", &letter).unwrap();
        assert_eq!(
            summary(Ok(told)),
            "build 7 a-1-1 BUILDING->COMPLETE owner=mona task=- target=- created=- started=- completed=- #3",
            "{form:?}"
        );
    }
    let empty = message(&[(0x77, Tree::Null)]);
    let answer = Letter::of_message(Message::read([empty.as_slice()]).unwrap(), None);
    assert_eq!(answer.unwrap_err().kind(), "malformed");
    // A broker that unwraps the text itself, and says what it is in headers of its own.
    let mut headers = FieldTable::default();
    headers.insert(
        ShortString::from("type"),
        AMQPValue::LongString(LongString::from("BuildStateChange")),
    );
    let letter = Letter::over_091("koji.build.complete", None, &headers, json.as_bytes()).unwrap();
    assert!(matches!(decode("koji", &letter).unwrap(), Decoded::News { .. }));
    // RabbitMQ 4: the body is a section still, and each application property is a header.
    let section = message(&[(0x77, text(json))]);
    let letter = Letter::over_091("koji.build.complete", Some("amqp-1.0"), &headers, &section).unwrap();
    assert_eq!(letter.name, Some("BuildStateChange"));
    assert!(matches!(decode("koji", &letter).unwrap(), Decoded::News { .. }));
    let answer = Letter::over_091("koji.build.complete", Some("amqp-1.0"), &headers, json.as_bytes());
    assert_eq!(answer.unwrap_err().kind(), "not AMQP");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_change_of_a_real_message_makes_it_panic(
        which in any::<Index>(),
        changes in vec((any::<Index>(), any::<Index>(), vec(any::<u8>(), 0..6)), 1..6),
    ) {
        let files = files(&fixtures().join("protonmsg"), "json");
        let mut sample = OverRabbit::read(which.get::<PathBuf>(&files));
        for (from, length, piece) in changes {
            let from = from.index(sample.body.len() + 1);
            let end = (from + length.index(20)).min(sample.body.len());
            sample.body.splice(from..end, piece);
        }
        if let Err(error) = sample.told() {
            prop_assert!(error.to_string().len() < 400, "{error}");
        }
    }

    #[test]
    fn no_value_of_an_event_makes_it_panic(
        name in prop::sample::select(NAMES),
        key in prop::sample::select(KEYS),
        inner in prop::sample::select(KEYS),
        value in "(null|true|-1|7|1e300|1\\.5|\"\"|\"x\"|\"NOW\"|\\[\\]|\\[1,\\{\\}\\]|\\{\\}|\"<methodCall><value/>\")",
    ) {
        let body = format!(r#"{{"new": 1, "type": "rpm", "action": "add", "sigkey": "ab", "{key}": {{"{inner}": {value}, "name": "a", "version": "1", "release": "1"}}}}"#);
        let tree = Tree::of_json(&serde_json::from_str(&body).unwrap());
        let from_json = told(name, Content::Json(body.as_bytes().into()));
        prop_assert_eq!(told(name, Content::ZeroTen(zero_ten(&tree).into())), from_json);
    }
}

const NAMES: &[&str] = &[
    "PackageListChange",
    "TaskStateChange",
    "BuildStateChange",
    "Import",
    "RPMSign",
    "Tag",
    "Untag",
    "RepoInit",
    "RepoDone",
    "BuildPromote",
    "Other",
];

const KEYS: &[&str] = &[
    "info",
    "build",
    "tag",
    "user",
    "package",
    "repo",
    "rpm",
    "id",
    "parent",
    "method",
    "request",
    "result",
    "extra",
    "owner",
    "owner_id",
    "create_ts",
    "completion_time",
    "srpm",
    "target_release",
    "x",
];

/// A body in which every event finds its own.
const EVERYTHING: &str = r#"{
    "attribute": "state", "old": null, "new": 1, "type": "cg", "action": "add",
    "info": {"id": 7, "method": "newRepo", "name": "a", "version": "1", "release": "2", "owner": 3},
    "build": {"id": 8, "name": "b", "version": "1", "release": "2"},
    "tag": {"name": "f44"}, "user": {"name": "mona"}, "package": {"name": "c"},
    "repo_id": 9, "repo": {"id": 10, "tag_name": "f44-build"},
    "target_release": "3", "draft_release": "3,draft_8"
}"#;

/// Compares what the messages of a folder say, one line each.
fn check(folder: &Path, expected: Expect) {
    let mut told = String::new();
    for file in files(folder, "json") {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let value: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let answer = if value["body_b64"].is_string() {
            OverRabbit::read(&file).told()
        } else {
            let sample = Sample::of(&value);
            sample.in_every_form();
            sample.told()
        };
        writeln!(told, "{name}: {}", summary(answer)).unwrap();
    }
    expected.assert_eq(&told);
}

/// A message with its body as JSON.
struct Sample {
    address: Option<String>,
    name: Option<String>,
    body: String,
}

impl Sample {
    fn read(file: &Path) -> Self {
        Self::of(&serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap())
    }

    fn of(value: &Value) -> Self {
        let first = |keys: &[&str]| {
            keys.iter()
                .find_map(|it| value.pointer(it)?.as_str())
                .map(str::to_owned)
        };
        let body = value.get("body").or_else(|| value.get("body_json"));
        Self {
            address: first(&["/address", "/topic", "/routing_key"]),
            name: first(&[
                "/headers/type",
                "/headers_exchange_headers/type",
                "/application_properties/type",
            ]),
            body: first(&["/body_text"]).unwrap_or_else(|| body.unwrap().to_string()),
        }
    }

    fn letter(&self) -> Letter<'_> {
        Letter {
            address: self.address.as_deref(),
            name: self.name.as_deref(),
            content: Content::Json(self.body.as_bytes().into()),
            sent: None,
        }
    }

    fn told(&self) -> Result<Decoded, DecodeError> {
        decode("", &self.letter())
    }

    /// The address says the same as the type, and a map of either AMQP the same as JSON.
    fn in_every_form(&self) {
        let told = self.told().unwrap();
        let tree = Tree::of_json(&serde_json::from_str(&self.body).unwrap());
        let ten = Content::ZeroTen(zero_ten(&tree).into());
        let one = one_zero(&tree, false);
        let one = Content::Map(amqp::one_zero(&one).unwrap().0);
        for content in [ten, one, self.letter().content] {
            for (address, name) in [(self.address.as_deref(), None), (None, self.name.as_deref())] {
                let letter = Letter {
                    address,
                    name,
                    content: content.clone(),
                    sent: None,
                };
                let again = decode("", &letter).unwrap();
                let is_nameless = again == Decoded::NotForUs("neither an address nor a type");
                assert!(again == told || is_nameless, "{again:?} is not {told:?}");
            }
        }
    }
}

/// A message as RabbitMQ hands it to a client of AMQP 0-9-1.
struct OverRabbit {
    routing_key: String,
    kind: String,
    headers: FieldTable,
    body: Vec<u8>,
}

impl OverRabbit {
    fn read(file: &Path) -> Self {
        let value: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let unpack = |it: &Value| BASE64_STANDARD.decode(it.as_str().unwrap()).unwrap();
        let mut headers = FieldTable::default();
        for (name, value) in value["properties"]["headers"].as_object().unwrap() {
            let value = match value {
                Value::String(it) => AMQPValue::LongString(LongString::from(it.as_str())),
                it => AMQPValue::ByteArray(ByteArray::from(unpack(&it["_bytes_b64"]))),
            };
            headers.insert(ShortString::from(name.as_str()), value);
        }
        Self {
            routing_key: value["deliver"]["routing_key"].as_str().unwrap().to_owned(),
            kind: value["properties"]["type"].as_str().unwrap().to_owned(),
            headers,
            body: unpack(&value["body_b64"]),
        }
    }

    fn told(&self) -> Result<Decoded, DecodeError> {
        let letter = Letter::over_091(&self.routing_key, Some(&self.kind), &self.headers, &self.body)?;
        assert!(letter.name.is_some());
        decode("koji", &letter)
    }
}

/// What happens to builds is told by both buses in the same words, but for what one of them does not know. What
/// happened at the same moment may arrive in another order.
fn same_on_both_buses(told: &[Decoded], fedora: &[Change]) {
    let shared = |change: &Change| match change {
        Change::Build(it) => {
            let known = koji_notify::koji::BuildChange {
                target: None,
                started: None,
                children: Vec::new(),
                ..it.clone()
            };
            Some(line(&Change::Build(known)))
        }
        Change::Tag(_) => Some(line(change)),
        Change::Task(_) => None,
    };
    let mut here: Vec<String> = changes(told).filter_map(|(it, _)| shared(it)).collect();
    let mut there: Vec<String> = fedora.iter().filter_map(shared).collect();
    here.sort();
    there.sort();
    assert!(there.len() > 200);
    assert_eq!(here, there);
}

/// Returns the names of users by their numbers, as builds tell both.
fn names(told: &[Decoded]) -> BTreeMap<UserId, String> {
    let owners = changes(told).filter_map(|(it, owner)| Some((owner?, it.owner()?.to_owned())));
    owners.collect()
}

fn changes(told: &[Decoded]) -> impl Iterator<Item = (&Change, Option<UserId>)> {
    told.iter().filter_map(|it| match it {
        Decoded::News {
            event: HubEvent::Changed(change),
            owner,
            ..
        } => Some((change, *owner)),
        Decoded::News { .. } | Decoded::NotForUs(_) => None,
    })
}

fn told(name: &str, content: Content<'_>) -> String {
    let letter = Letter {
        address: None,
        name: Some(name),
        content,
        sent: None,
    };
    summary(decode("", &letter))
}

/// Returns what a message says in one line. A number at its end is that of the owner.
pub(crate) fn summary(told: Result<Decoded, DecodeError>) -> String {
    let nameless = told.as_ref().ok().and_then(Decoded::nameless_owner);
    match told {
        Ok(Decoded::News { event, owner, .. }) => {
            let mark = if nameless.is_some() { "?" } else { "" };
            let owner = owner.map_or_else(String::new, |it| format!(" {mark}#{}", it.0));
            format!("{}{owner}", line_of(&event))
        }
        Ok(Decoded::NotForUs(reason)) => format!("not for us: {reason}"),
        Err(error) => format!("{}: {error}", error.kind()),
    }
}

fn line_of(event: &HubEvent) -> String {
    let text = |it: &Option<String>| it.clone().unwrap_or_else(|| "-".to_owned());
    let shown = |it: Option<String>| it.unwrap_or_else(|| "-".to_owned());
    match event {
        HubEvent::Changed(it) => line(it),
        HubEvent::Child(it) => format!(
            "below {}: {} {} {} {}->{} srpm={} created={} started={} completed={}",
            it.parent,
            it.child.method,
            it.child.task,
            it.child.arch,
            it.old.map_or("-", |it| it.name()),
            it.child.state.map_or("-", |it| it.name()),
            shown(it.srpm.as_ref().map(ToString::to_string)),
            shown(it.created.map(|it| it.to_string())),
            shown(it.started.map(|it| it.to_string())),
            shown(it.completed.map(|it| it.to_string())),
        ),
        HubEvent::Promoted(it) => format!(
            "promoted {} {} from={} user={} owner={}",
            shown(it.build.map(|it| it.to_string())),
            it.nvr,
            text(&it.draft_release),
            text(&it.user),
            text(&it.owner)
        ),
        HubEvent::PackageList(it) => format!(
            "package {} {} tag={} user={}",
            it.action,
            it.package,
            text(&it.tag),
            text(&it.user)
        ),
        HubEvent::Repo(it) => format!(
            "repo {} {} tag={} task={}",
            it.repo,
            if it.done { "done" } else { "begun" },
            text(&it.tag),
            shown(it.task.map(|it| it.to_string()))
        ),
        HubEvent::Signed(it) => format!(
            "signed {}.{} key={} build={} {} owner={}",
            it.rpm,
            it.arch,
            it.key,
            shown(it.build.map(|it| it.to_string())),
            shown(it.nvr.as_ref().map(ToString::to_string)),
            text(&it.owner)
        ),
        HubEvent::Imported(it) => format!(
            "imported {} build={} {} owner={}",
            it.what,
            shown(it.build.map(|it| it.to_string())),
            shown(it.nvr.as_ref().map(ToString::to_string)),
            text(&it.owner)
        ),
        HubEvent::Other { name } => format!("other {name}"),
    }
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let mut files: Vec<PathBuf> = files
        .filter(|it| it.extension().is_some_and(|it| it == extension))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}
