//! Liveness: a claim that does not launch within 5 minutes (1.14) or register within 15 is deleted.
//! Sources: machine/lifecycle/liveness.go v0.29.2, nodeclaim/lifecycle/liveness.go v1.14.1.

use super::super::context::Cx;
use super::super::messages::Say;
use super::super::pools::Pools;
use super::super::state::pool_name;
use super::Pass;
use objects::Era;

const LAUNCH_MS: u64 = 300_000;
const REGISTRATION_MS: u64 = 900_000;

pub fn reconcile(pass: &mut Pass<'_>, pools: &mut Pools, cx: &mut Cx<'_, '_>) {
    if pass.conditions.is_true(cx.names.registered) {
        return;
    }
    let launched = pass.conditions.is_true(cx.names.launched);
    let (kind, timeout_ms, reason) = if cx.era() == Era::V1 && !launched {
        (cx.names.launched, LAUNCH_MS, "launch_timeout")
    } else {
        (cx.names.registered, REGISTRATION_MS, "registration_timeout")
    };
    let Some(since) = pass.conditions.since_ms(kind) else {
        return;
    };
    let due = cx.view.sim_time(since) + timeout_ms;
    if due > cx.view.now {
        return pass.wake(due);
    }
    cx.delete(pass.claim.key(), "the claim did not come up in time");
    cx.log(Say::Timeout { claim: pass.reference(cx), reason, timeout_ms });
    let (reason, message) = match launched {
        true => ("RegistrationFailed".to_owned(), "Failed to register node".to_owned()),
        false => pass.conditions.words(kind),
    };
    pools.registered(pool_name(pass.claim, cx.names), Some((&reason, &message)), cx);
    pass.gone = true;
}
