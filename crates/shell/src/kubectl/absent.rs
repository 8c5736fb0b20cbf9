//! Commands that need what the playground does not have. Never a success for something that was not done.

use super::get::not_found;
use super::{Call, Fail, Next, api, resolve, snapshot};
use crate::options::Lang;
use crate::run::{Ctx, Io};
use objects::{DocExt, Kind, ObjectKey};

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let (why, en, ko) = match call.command.path {
        "exec" | "attach" | "cp" | "debug" => (
            "no container runs here",
            "kubectl describe and kubectl logs show what there is to see of a pod",
            "파드에 대해 볼 수 있는 것은 kubectl describe와 kubectl logs가 보여 줍니다",
        ),
        "port-forward" | "proxy" => (
            "the playground has no network",
            "the objects themselves are in kubectl get",
            "오브젝트는 kubectl get으로 볼 수 있습니다",
        ),
        _ => (
            "the playground has no such thing",
            "kubectl --help lists what there is",
            "쓸 수 있는 명령은 kubectl --help로 볼 수 있습니다",
        ),
    };
    io.err(&format!("error: {} is not simulated: {why}\n", call.command.path));
    io.hint(match ctx.state.options.lang {
        Lang::En => en,
        Lang::Ko => ko,
    });
    Ok(Next::Done(1))
}

/// `exec`: what the server says before a container would have its say is said.
pub fn exec(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let Some(target) = call.args.first() else {
        return Err(Fail::usage("exec", "pod, type/name or --filename must be specified"));
    };
    if call.flags.on("tty") {
        io.err("Unable to use a TTY - input is not a terminal or the right kind of file\n");
    }
    let (kind, name) = match target.split_once('/') {
        Some((kind, name)) => (resolve::kind(kind, api(ctx))?, name),
        None => (Kind::Pod, target.as_str()),
    };
    if kind == Kind::Pod {
        let Some(pod) = snapshot(ctx).store.get(&ObjectKey::new(kind, call.namespace(ctx), name)).cloned() else {
            return Err(Fail::api(&not_found(kind, name)));
        };
        if pod.doc.str_at("spec.nodeName").is_none_or(str::is_empty) {
            let text = format!("Error from server (BadRequest): pod {name} does not have a host assigned\n");
            return Err(Fail { text, exit: 1 });
        }
    }
    run(call, io, ctx)
}

/// `plugin list`: there are none.
pub fn plugin(_call: &mut Call, _io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    Err(Fail::error("unable to find any kubectl plugins in your PATH"))
}

/// What stands above every completion script. Source: k8s.io/kubectl pkg/cmd/completion/completion.go, v0.35.4.
const LICENSE: &str = "
# Copyright 2016 The Kubernetes Authors.
#
# Licensed under the Apache License, Version 2.0 (the \"License\");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an \"AS IS\" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
";

pub fn completion(call: &mut Call, io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    match call.args.as_slice() {
        [] => Err(Fail::usage("completion", "Shell not specified.")),
        [shell] if ["bash", "zsh", "fish", "powershell"].contains(&shell.as_str()) => {
            // A script that may be sourced and has nothing to do.
            io.out(&format!("{LICENSE}# Completion is built into this terminal: press Tab.\n"));
            Ok(Next::Done(0))
        }
        [shell] => Err(Fail::usage("completion", format!("Unsupported shell type \"{shell}\"."))),
        _ => Err(Fail::usage("completion", "Too many arguments. Expected only the shell type.")),
    }
}
