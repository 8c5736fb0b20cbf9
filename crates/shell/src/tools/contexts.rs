//! kubens and kubectx: the kubeconfig's namespace and context. Source: ahmetb/kubectx cmd/{kubens,kubectx}, of July 2026;
//! without an interactive choice, and the previous one is kept in the home as theirs is.

use crate::kubectl::Config;
use crate::run::{Ctx, Io};
use objects::{DocExt, Kind, ObjectKey, Value};

pub fn kubens(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let done = namespaces(args, io, ctx);
    finish(done, io)
}

pub fn kubectx(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let done = contexts(args, io, ctx);
    finish(done, io)
}

fn finish(done: Result<(), String>, io: &mut Io<'_>) -> i32 {
    match done {
        Ok(()) => 0,
        Err(why) => {
            io.err(&format!("error: {why}\n"));
            1
        }
    }
}

const KUBENS: &str = "Switch between Kubernetes namespaces.

USAGE:
  kubens                    : list the namespaces in the current context
  kubens <NAME>             : change the active namespace of current context
  kubens <NAME> --force/-f  : force change the active namespace of current context (even if it doesn't exist)
  kubens -                  : switch to the previous namespace in this context
  kubens -c, --current      : show the current namespace
  kubens -h,--help          : show this message
  kubens -u,--unset         : unset the namespace choice (set to 'default')
  kubens -V,--version       : show version
";

fn namespaces(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<(), String> {
    let config = Config::load(&Default::default(), ctx.state);
    let context = config.doc.str_at("current-context").unwrap_or_default().to_owned();
    let current = || -> Result<String, String> {
        if context.is_empty() {
            return Err("current-context is not set".to_owned());
        }
        let entry = config.entry("contexts", &context);
        let set = entry.and_then(|e| e.str_at("namespace")).filter(|n| !n.is_empty());
        Ok(set.unwrap_or("default").to_owned())
    };
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let (target, force) = match words.as_slice() {
        [] => {
            current()?;
            let snapshot = ctx.session.snapshot();
            snapshot.store.list(Kind::Namespace).for_each(|n| io.out(&format!("{}\n", n.meta.name)));
            return Ok(());
        }
        ["-h" | "--help"] => {
            io.out(KUBENS);
            return Ok(());
        }
        ["-V" | "--version"] => {
            io.out("v0.9.5\n");
            return Ok(());
        }
        ["-c" | "--current"] => {
            io.out(&format!("{}\n", current()?));
            return Ok(());
        }
        ["-u" | "--unset"] => {
            current()?;
            set_namespace(config, &context, "default", ctx)?;
            io.err("✔ Active namespace is \"default\".\n");
            return Ok(());
        }
        [name] | ["-f" | "--force", name] | [name, "-f" | "--force"] => (*name, words.len() == 2),
        [_, _] => return Err(format!("unsupported arguments {words:?}").replace("\", \"", "\" \"")),
        _ => return Err("too many arguments".to_owned()),
    };
    if target.starts_with('-') && target != "-" {
        return Err(format!("unsupported option \"{target}\""));
    }
    let now = current()?;
    let kept = format!("{}/.kube/kubens/{context}", ctx.state.env.home);
    let target = match target {
        "-" => {
            let before = ctx.state.files.read(&kept).map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
            before.ok_or_else(|| format!("No previous namespace found for current context ({context})"))?
        }
        name => name.to_owned(),
    };
    let there = ctx.session.snapshot().store.get(&ObjectKey::cluster(Kind::Namespace, &target)).is_some();
    if !force && !there {
        return Err(format!("no namespace exists with name \"{target}\""));
    }
    set_namespace(config, &context, &target, ctx)?;
    if now != target {
        keep(&kept, &now, ctx)?;
    }
    io.err(&format!("✔ Active namespace is \"{target}\"\n"));
    Ok(())
}

fn set_namespace(config: Config, context: &str, namespace: &str, ctx: &mut Ctx<'_>) -> Result<(), String> {
    change(config, ctx, |doc| {
        let list = doc.slot("contexts").as_array_mut();
        for entry in list.into_iter().flatten().filter(|e| e.str_at("name") == Some(context)) {
            entry.set("context.namespace", namespace);
        }
    })
}

const KUBECTX: &str = "Manage and switch between kubectl contexts.

USAGE:
  kubectx                       : list the contexts
  kubectx <NAME>                : switch to context <NAME>
  kubectx -                     : switch to the previous context
  kubectx -c, --current         : show the current context name
  kubectx -u, --unset           : unset the current context
  kubectx <NEW_NAME>=<NAME>     : rename context <NAME> to <NEW_NAME>
  kubectx <NEW_NAME>=.          : rename current-context to <NEW_NAME>
  kubectx -d <NAME> [<NAME...>] : delete context <NAME> ('.' for current-context)
                                  (this command won't delete the user/cluster entry
                                  referenced by the context entry)
  kubectx -h, --help            : show this message
  kubectx -V, --version         : show version
";

fn contexts(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<(), String> {
    let config = Config::load(&Default::default(), ctx.state);
    let now = config.doc.str_at("current-context").unwrap_or_default().to_owned();
    let kept = format!("{}/.kube/kubectx", ctx.state.env.home);
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let target = match words.as_slice() {
        [] => {
            config.names("contexts").iter().for_each(|n| io.out(&format!("{n}\n")));
            return Ok(());
        }
        ["-h" | "--help"] => {
            io.out(KUBECTX);
            return Ok(());
        }
        ["-V" | "--version"] => {
            io.out("v0.9.5\n");
            return Ok(());
        }
        ["-c" | "--current"] if now.is_empty() => return Err("current-context is not set".to_owned()),
        ["-c" | "--current"] => {
            io.out(&format!("{now}\n"));
            return Ok(());
        }
        ["-d" | "-u" | "--unset" | "-s" | "--shell" | "-r" | "--readonly", ..] => {
            return Err(format!("{} is not simulated: use kubectl config", words.first().unwrap_or(&"")));
        }
        [name] if name.contains('=') => {
            return Err("contexts are not renamed here: use kubectl config rename-context".to_owned());
        }
        ["-"] => {
            let before = ctx.state.files.read(&kept).map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
            before.ok_or_else(|| "failed to switch context: no previous context found".to_owned())?
        }
        [name] if name.starts_with('-') => return Err(format!("unsupported option '{name}'")),
        [name] => (*name).to_owned(),
        _ => return Err("too many arguments".to_owned()),
    };
    if config.entry("contexts", &target).is_none() {
        return Err(format!("failed to switch context: no context exists with the name: \"{target}\""));
    }
    change(config, ctx, |doc| doc.set("current-context", target.as_str()))?;
    if now != target {
        keep(&kept, &now, ctx)?;
    }
    io.err(&format!("✔ Switched to context \"{target}\".\n"));
    Ok(())
}

fn change(mut config: Config, ctx: &mut Ctx<'_>, change: impl FnOnce(&mut Value)) -> Result<(), String> {
    change(&mut config.doc);
    config.write(ctx.state).map_err(|why| format!("failed to save kubeconfig file: {why}"))
}

fn keep(path: &str, text: &str, ctx: &mut Ctx<'_>) -> Result<(), String> {
    let directory = path.rsplit_once('/').map_or("/", |(d, _)| d);
    let files = &mut ctx.state.files;
    let written = files.make_dir(directory, true).and_then(|()| files.write(path, text, false));
    written.map_err(|why| format!("failed to save the previous choice to file: {why}"))
}
