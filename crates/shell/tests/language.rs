//! The shell language, by what bash and the GNU tools print.

mod common;

use common::Lab;
use engine::Era;

fn lab() -> Lab {
    Lab::new(Era::V1alpha5, Vec::new())
}

thread_local!(static LAB: Lab = lab());

fn check(text: &str, stdout: &str, exit: i32) {
    let out = LAB.with(Lab::again).run(text);
    assert_eq!((out.stdout.as_str(), out.exit), (stdout, exit), "{text}\nstderr: {}", out.stderr);
}

#[test]
fn words_and_lists() {
    check("echo a  b", "a b\n", 0);
    check("echo 'a  b' \"c $HOME\" d\\ e", "a  b c /home/learner d e\n", 0);
    check("false && echo no || echo yes; echo $?", "yes\n0\n", 0);
    check("false; echo $?", "1\n", 0);
    check("export N=7; echo x${N}y ${M:-none} $((N*2+1))", "x7y none 15\n", 0);
    check("A='x y'; echo $A; echo \"$A\"", "x y\nx y\n", 0);
    check("echo $(echo inner | tr a-z A-Z) $(echo two)", "INNER two\n", 0);
    check("echo \"$(printf 'a\\nb\\n')\"", "a\nb\n", 0);
    check("! true; echo $?", "1\n", 0);
    check("echo one # a remark\n# another\necho two", "one\ntwo\n", 0);
    check("echo a \\\n  b", "a b\n", 0);
    check("alias hi='echo hello'; alias", "alias hi='echo hello'\nalias k='kubectl'\nalias ll='ls -l'\n", 0);
    check("echo {1..3} {a,b}.yaml", "1 2 3 a.yaml b.yaml\n", 0);
    check("exit 3; echo no", "", 3);
}

#[test]
fn compound_commands() {
    check("for i in 1 2 3; do echo n$i; done | tail -n 1", "n3\n", 0);
    check("for i in $(seq 3); do [ $i = 2 ] && continue; echo $i; done", "1\n3\n", 0);
    check("i=0; while [ $i -lt 3 ]; do i=$((i+1)); done; echo $i", "3\n", 0);
    check("if [ a = b ]; then echo y; elif true; then echo e; else echo n; fi", "e\n", 0);
    check("(cd /tmp; pwd); pwd", "/tmp\n/home/learner\n", 0);
    check("{ echo a; echo b; } | wc -l", "2\n", 0);
    check("printf 'a 1\\nb 2\\n' | while read n v; do echo $v-$n; done", "1-a\n2-b\n", 0);
    check("while true; do echo x; break; done", "x\n", 0);
}

#[test]
fn heredocs_and_files() {
    check("cat <<EOF\nhome $HOME\nEOF", "home /home/learner\n", 0);
    check("cat <<'EOF'\nhome $HOME\nEOF", "home $HOME\n", 0);
    check("cat <<-END | grep b\n\ta\n\tb\n\tEND\n", "b\n", 0);
    check("cat <<EOF > a.txt\n1\n2\nEOF\nwc -l < a.txt; wc -l a.txt; ls; rm a.txt; ls", "2\n2 a.txt\na.txt\n", 0);
    check("echo x > f; echo y >> f; cat f | tee g; cat g", "x\ny\nx\ny\n", 0);
    check("mkdir -p a/b && cd a/b && pwd", "/home/learner/a/b\n", 0);
    check("nosuch 2>/dev/null || echo fallback", "fallback\n", 0);
    check("nosuch 2>&1 | cat", "bash: nosuch: command not found\n", 0);
}

#[test]
fn tools() {
    check("printf '1\\n2\\n3\\n4\\n5\\n6\\n7\\n' | grep -A 1 -e 2 -e 6", "2\n3\n--\n6\n7\n", 0);
    check("echo abc | grep -c x", "0\n", 1);
    check("printf 'Foo\\nbar\\n' | grep -in foo", "1:Foo\n", 0);
    check("printf '\\033[1m\\101\\e[0m'", "\u{1b}[1mA\u{1b}[0m", 0);
    check("printf 'a b\\nc d\\n' | awk '{print $2}'", "b\nd\n", 0);
    check("printf 'x 1\\ny 2\\n' | awk 'NR>1 {print $1; s+=$2} END {print s, NR}'", "y\n2 2\n", 0);
    check("printf 'a,b\\n' | awk -F, '$1==\"a\" {print $NF \"-\" $1}'", "b-a\n", 0);
    check("echo hello world | sed 's/o/0/g; s/^h/H/'", "Hell0 w0rld\n", 0);
    check("printf '1\\n2\\n3\\n' | sed -n '2,3p'", "2\n3\n", 0);
    check("printf 'b\\na\\nb\\n' | sort | uniq -c", "      1 a\n      2 b\n", 0);
    check("printf '10\\n9\\n' | sort -n | head -1", "9\n", 0);
    check("echo a:b:c | cut -d: -f2-", "b:c\n", 0);
    check("printf 'a\\nb\\n' | xargs -n 1 echo x", "x a\nx b\n", 0);
    check("printf '%-5s|%3d\\n' ab 7", "ab   |  7\n", 0);
    check("printf 'a\\nb\\nc\\n' | tail -n +2", "b\nc\n", 0);
    check("echo hello | wc -c", "6\n", 0);
    check("echo aXbX | grep -o X | wc -l", "2\n", 0);
}

#[test]
fn refusals_are_bashs() {
    for (text, stderr, exit) in [
        ("// 설명", "bash: //: Is a directory\n", 126),
        ("//x", "bash: //x: No such file or directory\n", 127),
        ("kubctl get po", "bash: kubctl: command not found\n", 127),
        ("cat nope", "cat: nope: No such file or directory\n", 1),
        ("echo x > no/such", "bash: no/such: No such file or directory\n", 1),
        ("| x", "bash: syntax error near unexpected token `|'\n", 2),
        (
            "while true; do true; done",
            "bash: stopped: the script goes round without letting time pass (put a `sleep` in the loop)\n",
            1,
        ),
        ("head -n x", "head: invalid number of lines: ‘x’\n", 1),
    ] {
        let out = LAB.with(Lab::again).run(text);
        assert_eq!((out.stderr.as_str(), out.stdout.as_str(), out.exit), (stderr, "", exit), "{text}");
    }
    assert_eq!(lab().run("kubctl get po").hints, "did you mean `kubectl`?\n");
}

#[test]
fn time_is_simulated() {
    let mut lab = lab();
    let first = lab.run("date; sleep 90; date");
    assert_eq!(first.stdout, "Wed Jul 26 14:10:00 KST 2023\nWed Jul 26 14:11:30 KST 2023\n");
    assert_eq!(lab.run("TZ=UTC date +%T; date -u +%F").stdout, "05:11:30\n2023-07-26\n");
    assert_eq!(lab.run("time sleep 75.5").stderr, "\nreal\t1m15.500s\nuser\t0m0.000s\nsys\t0m0.000s\n");
    // A job outlives its line, and goes on while others let time pass.
    assert_eq!(lab.run("(sleep 60; date +%T) &").stdout, "");
    assert_eq!(lab.run("sleep 90; date +%T").stdout, "14:13:45\n14:14:15\n");
    let round = lab.run("while true; do true; done & wait");
    assert!(round.stderr.contains("goes round without letting time pass"), "{}", round.stderr);
}
