//! Every text of the page, in Korean and English. The table is checked by the compiler: a text without one of the two
//! languages does not build. Names of programs, kinds and fields stay English in both.

use crate::lab::{Pane, PhoneTab};
use view::{Lang, PodState, format};

macro_rules! table {
    ($($name:ident: $ko:literal / $en:literal;)*) => {
        /// All plain texts of one language.
        pub struct Texts {
            pub lang: Lang,
            pub shortcuts: &'static [(&'static str, &'static str)],
            pub simulated: [Heads; 2],
            $(pub $name: &'static str,)*
        }

        static KO: Texts = Texts { lang: Lang::Ko, shortcuts: SHORTCUTS_KO, simulated: SIMULATED_KO, $($name: $ko,)* };
        static EN: Texts = Texts { lang: Lang::En, shortcuts: SHORTCUTS_EN, simulated: SIMULATED_EN, $($name: $en,)* };

        /// Name, Korean, English of every text.
        #[cfg(test)]
        const ALL: &[(&str, &str, &str)] = &[$((stringify!($name), $ko, $en),)*];
    };
}

table! {
    brand: "nodewright" / "nodewright";
    playground: "놀이터" / "Playground";
    time: "시간" / "Time";
    play: "재생" / "Play";
    pause: "일시 정지" / "Pause";
    speed: "빠르기" / "Speed";
    next_event: "다음 사건으로" / "Next event";
    running: "진행 중" / "Running";
    paused: "멈춤" / "Paused";
    skipping: "계산 중" / "Working";
    behind: "천천히" / "Slower";
    sim_time: "시뮬레이션 시각" / "Simulated time";
    sim_time_note: "시뮬레이션 시각입니다. 실제 시각과 다르게 흐릅니다." / "Simulated time: it does not run at the speed of your clock.";
    per_hour: "/시간" / "/hour";
    rate_note: "시뮬레이션한 목록 가격 기준, 시간당 달러" / "Simulated list price, dollars per hour";
    undo: "되돌리기" / "Undo";
    redo: "다시 하기" / "Redo";
    reset: "처음으로" / "Reset";
    reset_done: "처음 상태로 돌아왔어요. 되돌리기로 취소할 수 있어요." / "Back at the start. Undo brings everything back.";
    share: "공유" / "Share";
    other_lang: "English" / "한국어";
    other_lang_code: "en" / "ko";
    theme: "테마" / "Theme";
    theme_auto: "자동" / "auto";
    theme_light: "밝게" / "light";
    theme_dark: "어둡게" / "dark";
    theme_hc: "고대비" / "high contrast";
    help: "도움말" / "Help";
    close: "닫기" / "Close";
    era: "Karpenter 버전" / "Karpenter version";
    open_full: "전체 화면으로 열기" / "Open the full page";

    lesson: "실습" / "Lesson";
    file: "파일…" / "File…";
    file_note: "이 컴퓨터의 파일을 터미널로 가져오기 (끌어다 놓아도 돼요). 어디에도 보내지 않아요." / "Bring a file of this machine into the terminal (or drop it here). It is not sent anywhere.";
    no_lesson: "실습 파일을 받지 못했어요. 연결을 확인하고 다시 눌러 주세요." / "The lesson did not arrive. Check the connection and try again.";
    intro_title: "진짜 kubectl을 입력해 보세요" / "Type real kubectl";
    intro: "클러스터는 이 브라우저 안에만 있습니다. Karpenter가 노드를 늘리고, 비우고, 더 싸게 다시 담는 모습을 실제 메시지와 실제 순서로 볼 수 있어요."
        / "The cluster lives in this browser tab only. Watch Karpenter add nodes, empty them and pack them cheaper, with its real messages in their real order.";
    start_lesson: "실습 시작 (8분)" / "Start the lesson (8 min)";
    scale_to_five: "파드 5개로 늘리기" / "Scale to five pods";
    stop_demo: "시연 멈추기" / "Stop the demo";
    paste_yaml: "YAML 붙여넣기" / "Paste YAML";
    step: "단계" / "Step";
    type_this: "입력할 명령" / "Type this";
    insert: "넣기" / "Insert";
    hint: "힌트" / "Hint";
    observe: "볼 곳" / "Look at";
    done: "완료" / "Done";
    previous: "이전" / "Back";
    next: "다음" / "Next";
    step_done: "이 단계를 마쳤어요." / "This step is done.";
    try_again: "다시 생각해 보세요." / "Not quite. Try again.";
    lesson_done: "실습을 모두 마쳤어요." / "You have finished the lesson.";
    hide_lesson: "실습 접기" / "Hide the lesson";
    show_lesson: "실습 펼치기" / "Show the lesson";

    map: "클러스터" / "Cluster";
    filter: "거르기" / "Filter";
    map_filter: "노드와 파드 거르기 (이름, key=value, namespace=이름)" / "Filter nodes and pods (name, key=value, namespace=name)";
    as_table: "표로 보기" / "Show as table";
    as_picture: "그림으로 보기" / "Show as picture";
    nodes: "노드" / "Nodes";
    node: "노드" / "Node";
    no_nodes: "노드가 없어요." / "There are no nodes.";
    launching: "부팅 중" / "booting";
    unassigned: "배치 대기 파드" / "Pods without a node";
    legend: "범례" / "Legend";
    nothing_waits: "기다리는 일 없음" / "Nothing to wait for";
    ready: "준비됨" / "Ready";
    not_ready: "준비 안 됨" / "NotReady";
    cordoned: "cordon" / "Cordoned";
    deleting: "삭제 중" / "Deleting";
    pending: "대기" / "Pending";
    instance: "인스턴스" / "Instance";
    capacity: "용량 유형" / "Capacity type";
    state: "상태" / "State";
    price: "가격" / "Price";
    cpu_requested: "CPU 요청" / "CPU requested";
    memory_requested: "메모리 요청" / "Memory requested";
    pods: "파드" / "Pods";
    pool: "만든 규칙" / "Made by";
    managed_group: "관리형 노드 그룹" / "managed node group";
    labels: "레이블" / "Labels";
    deployments: "디플로이먼트" / "Deployments";
    replicas: "레플리카" / "replicas";
    fewer: "하나 줄이기" / "one fewer";
    more: "하나 늘리기" / "one more";
    on_demand: "온디맨드" / "On-Demand";
    spot: "스팟" / "Spot";

    node_viewer: "eks-node-viewer" / "eks-node-viewer";
    exact: "원래 화면" / "Exact";
    exact_note: "eks-node-viewer가 찍는 그대로 보여 줍니다" / "Shows exactly what eks-node-viewer prints";
    grade_note: "요청량 / 할당 가능량. 이 도구에서는 높을수록 좋습니다(초록)." / "Requests / allocatable. In this tool, fuller is better (green).";

    terminal: "터미널" / "Terminal";
    busy: "실행 중" / "running";
    stop: "중지 (Ctrl+C)" / "Stop (Ctrl+C)";
    output: "터미널 출력" / "Terminal output";
    full_screen: "전체 화면 프로그램" / "Full-screen program";
    prompt: "명령 입력" / "Command";
    prompt_busy: "명령 실행 중. Ctrl+C로 멈출 수 있습니다" / "A command is running. Ctrl+C stops it";
    prompt_busy_hint: "Ctrl+C로 멈추기" / "Ctrl+C stops";
    welcome: "kubectl을 입력해 보세요. Tab은 자동 완성, ↑는 이전 명령입니다." / "Type kubectl. Tab completes, ↑ recalls.";
    pasted: "붙여 넣은 명령" / "Pasted commands";
    run: "실행" / "Run";
    cancel: "취소" / "Cancel";
    repair_apply: "주석만 지우고 다시 적용" / "Remove the remarks and apply again";
    repair_leave: "그대로 두기" / "Leave it";
    hangul_offer: "한글 입력 상태 같아요. 바꿀까요?" / "This looks like Hangul mode. Convert it?";
    convert: "바꾸기" / "Convert";
    keys: "자주 쓰는 키" / "Keys";
    to_end: "맨 아래로" / "To the end";

    more_panes: "로그, 이벤트, YAML, 비용, 이유" / "Log, events, YAML, cost, reasons";
    panes: "화면" / "Panes";
    karpenter_log: "Karpenter 로그" / "Karpenter log";
    log_short: "로그" / "Log";
    log_filter: "로그 거르기 (낱말, -제외할 낱말)" / "Filter the log (words, -excluded)";
    log_empty: "Karpenter가 아직 남긴 로그가 없어요." / "Karpenter has written nothing yet.";
    events: "이벤트" / "Events";
    event_filter: "이벤트 거르기" / "Filter events";
    no_events: "이벤트가 없어요." / "There are no events.";
    reason: "이유" / "Reason";
    object: "대상" / "Object";
    message: "내용" / "Message";
    yaml: "YAML" / "YAML";
    yaml_editor: "YAML 편집기" / "YAML editor";
    load: "불러오기" / "Open";
    in_cluster: "클러스터에 있는 것" / "In the cluster";
    examples: "예제" / "Examples";
    apply: "적용" / "Apply";
    no_shell: "터미널 프로그램을 받지 못했어요. 연결을 확인하고 다시 입력해 주세요." / "The terminal's programs did not arrive. Check the connection and type again.";
    no_part: "이 명령에 필요한 것을 받지 못했어요. 연결을 확인하고 다시 입력해 주세요." / "What this command needs did not arrive. Check the connection and type again.";
    problems: "문제와 결과" / "Problems and results";
    server_says: "서버의 원문" / "In the server's words";
    changes: "변경 사항" / "Changes";
    no_changes: "적용하면 바뀔 것이 없어요." / "Applying would change nothing.";
    would_create: "새로 만듦" / "is created";
    would_change: "바뀜" / "changes";
    would_stay: "그대로" / "stays as it is";
    would_refuse: "거절됨" / "is refused";
    editing: "편집 중:" / "Editing:";
    save_and_close: "저장하고 닫기" / "Save and close";
    leave_unsaved: "저장하지 않고 닫기" / "Close without saving";
    no_checks: "편집기 검사를 받지 못했어요." / "The editor's checks did not arrive.";
    hidden_characters: "보통 글자처럼 보이는 다른 글자가 있어요:" / "These look like ordinary characters and are not:";
    step_lines: "한 줄씩" / "Line by line";
    search_history: "이전 명령 찾기" / "Search the history";
    fix_characters: "특수 문자 바로잡기" / "Mend look-alike characters";
    cost: "비용" / "Cost";
    rate_now: "지금" / "Now";
    spent: "누적" / "So far";
    per_month: "월 환산 (730시간)" / "Per month (730 h)";
    saved: "온디맨드 대비 절감" / "Saved against On-Demand";
    since: "시작" / "From";
    all_on_demand: "모두 온디맨드였다면" / "Were all On-Demand";
    node_count: "노드 수" / "Nodes";
    why: "왜?" / "Why?";
    about: "대상 노드:" / "About";
    show_all: "모두 보기" / "Show all";
    read_only: "진짜 클러스터 · 읽기만 해요" / "Real cluster · read-only";
    not_connected: "연결되지 않음" / "Not connected";
    ask_plan: "지금 계획 물어보기" / "Ask for a plan now";
    asking: "클러스터를 읽고 계획하는 중이에요…" / "Reading the cluster and planning…";
    no_decisions: "아직 내린 결정이 없어요." / "No decisions yet.";
    timeline: "타임라인" / "Timeline";
    scrub: "시점 옮기기" / "Point in time";
    past: "과거를 보는 중" / "Showing the past:";
    continue_here: "여기서 이어 하기" / "Continue here";
    back_to_present: "현재로" / "Back to the present";
    learn: "배우기" / "Learn";
    more_tab: "더보기" / "More";

    share_note: "같은 시작 상태(버전, 시드)로 열리는 주소입니다. 지금까지의 명령은 아래에서 따로 복사할 수 있어요."
        / "This address opens the same start (version and seed). The commands so far can be copied separately.";
    link: "링크" / "Link";
    frame: "문서에 넣기" / "Embed";
    commands_so_far: "지금까지의 명령" / "Commands so far";
    copy: "복사" / "Copy";
    copied: "복사했어요." / "Copied.";
    copy_failed: "복사하지 못했어요. 직접 선택해 주세요." / "Could not copy: select it by hand.";
    help_intro: "터미널에는 실제 kubectl 명령을 그대로 입력합니다. 빠르기를 바꿔도 결과는 달라지지 않습니다."
        / "The terminal takes real kubectl commands. Speed never changes the results.";
    simulated_missing: "목록을 받지 못했어요." / "The list did not arrive.";
}

const SHORTCUTS_KO: &[(&str, &str)] = &[
    ("Space", "재생 또는 일시 정지"),
    (".", "다음 사건으로"),
    ("[ ]", "느리게, 빠르게"),
    ("g t · g m · g n · g l · g y · g c", "터미널, 클러스터, 노드, 로그, YAML, 비용으로"),
    ("h", "힌트"),
    ("Ctrl+Z", "되돌리기 (글 상자 밖에서)"),
    ("Ctrl+`", "터미널로"),
    ("Esc", "닫기, 표시 해제"),
    ("Ctrl+C", "터미널: 실행 중인 명령 멈추기"),
    ("Tab · ↑ ↓", "터미널: 자동 완성, 이전 명령"),
    ("Ctrl+Enter · Ctrl+Space", "YAML: 적용, 자동 완성"),
    ("Ctrl+] · Ctrl+[", "YAML: 들여쓰기, 내어쓰기 (Tab은 다음 칸으로)"),
    ("Ctrl+R · Ctrl+L", "터미널: 이전 명령 찾기, 화면 지우기"),
];
const SHORTCUTS_EN: &[(&str, &str)] = &[
    ("Space", "play or pause"),
    (".", "next event"),
    ("[ ]", "slower, faster"),
    ("g t · g m · g n · g l · g y · g c", "to terminal, map, nodes, log, YAML, cost"),
    ("h", "hint"),
    ("Ctrl+Z", "undo (outside text fields)"),
    ("Ctrl+`", "to the terminal"),
    ("Esc", "close, unmark"),
    ("Ctrl+C", "terminal: stop the command"),
    ("Tab · ↑ ↓", "terminal: complete, recall"),
    ("Ctrl+Enter · Ctrl+Space", "YAML: apply, complete"),
    ("Ctrl+] · Ctrl+[", "YAML: indent, outdent (Tab moves on)"),
    ("Ctrl+R · Ctrl+L", "terminal: search the history, clear"),
];
/// Titles and heads of the tables of what is simulated, in the order of the README.
type Heads = (&'static str, [&'static str; 3]);

const SIMULATED_KO: [Heads; 2] = [
    ("흉내 내는 것과 내지 않는 것", ["부분", "흉내 내는 것", "내지 않는 것"]),
    ("Karpenter 시험 가운데 아직 흉내 내지 않는 것", ["주제", "무엇", "까닭"]),
];
const SIMULATED_EN: [Heads; 2] = [
    ("What is simulated, and what is not", ["Part", "Simulated", "Not simulated"]),
    ("Of Karpenter's own tests, not modelled", ["Subject", "What", "Why"]),
];

pub fn texts(lang: Lang) -> &'static Texts {
    match lang {
        Lang::Ko => &KO,
        Lang::En => &EN,
    }
}

/// Texts with numbers in them. Korean sentences count with unit nouns, so that no particle depends on a number.
impl Texts {
    fn ko(&self) -> bool {
        self.lang == Lang::Ko
    }

    pub fn pane(&self, pane: Pane) -> &'static str {
        match pane {
            Pane::Terminal => self.terminal,
            Pane::Nodes => self.nodes,
            Pane::Logs => self.karpenter_log,
            Pane::Events => self.events,
            Pane::Yaml => self.yaml,
            Pane::Cost => self.cost,
            Pane::Why => self.why,
        }
    }

    pub fn phone_tab(&self, tab: PhoneTab) -> &'static str {
        match tab {
            PhoneTab::Learn => self.learn,
            PhoneTab::Map => self.map,
            PhoneTab::Terminal => self.terminal,
            PhoneTab::Logs => self.log_short,
            PhoneTab::More => self.more_tab,
        }
    }

    pub fn pod_state(&self, state: PodState) -> &'static str {
        let (ko, en) = match state {
            PodState::Running => ("실행 중", "running"),
            PodState::NotReady => ("준비 중", "not ready"),
            PodState::Pending => ("대기", "pending"),
            PodState::Completed => ("완료", "completed"),
            PodState::Failed => ("실패", "failed"),
            PodState::Terminating => ("종료 중", "terminating"),
        };
        self.lang.pick(ko, en)
    }

    pub fn pods_count(&self, n: usize) -> String {
        if self.ko() { format!("파드 {n}개") } else { format!("{n} pods") }
    }

    pub fn lines_of(&self, shown: usize, all: usize) -> String {
        match (self.ko(), shown == all) {
            (true, true) => format!("{all}줄"),
            (true, false) => format!("{all}줄 중 {shown}줄"),
            (false, true) => format!("{all} lines"),
            (false, false) => format!("{shown} of {all} lines"),
        }
    }

    pub fn log_no_match(&self, filter: &str, all: usize) -> String {
        if self.ko() {
            format!("'{filter}'에 맞는 줄이 없어요 (전체 {all}줄).")
        } else {
            format!("No line matches '{filter}' ({all} lines in all).")
        }
    }

    pub fn dropped(&self, n: u64) -> String {
        if self.ko() {
            format!("위로 {n}줄이 화면에서 밀려났어요.")
        } else {
            format!("{n} earlier lines are gone from the screen.")
        }
    }

    pub fn queued(&self, n: usize) -> String {
        if self.ko() { format!("대기 중인 명령 {n}줄") } else { format!("{n} lines waiting") }
    }

    pub fn pasted_lines(&self, n: usize) -> String {
        if self.ko() {
            format!("붙여 넣은 {n}줄을 차례로 실행할까요?")
        } else {
            format!("Run the {n} pasted lines one after the other?")
        }
    }

    pub fn run_lines(&self, n: usize) -> String {
        match (n, self.ko()) {
            (1, _) => self.insert.to_owned(),
            (_, true) => format!("{n}줄 실행"),
            (_, false) => format!("Run {n} lines"),
        }
    }

    pub fn lines_left(&self, n: usize) -> String {
        if self.ko() {
            format!("한 줄씩 실행 중, {n}줄 남음 (Enter)")
        } else {
            format!("Line by line: {n} left (Enter)")
        }
    }

    pub fn repair(&self, n: usize, numbers: &str) -> String {
        if self.ko() {
            format!("YAML 주석은 `#`입니다. `//`가 든 줄 {n}개를 찾았어요 ({numbers}번째 줄).")
        } else {
            format!("YAML comments begin with `#`. Lines with `//`: {n} (line {numbers}).")
        }
    }

    pub fn key_name(&self, key: &str) -> &'static str {
        match key {
            "Tab" => "Tab",
            "^C" => self.stop,
            "↑" => self.lang.pick("이전 명령", "Earlier command"),
            "|" => self.lang.pick("파이프", "Pipe"),
            "-" => self.lang.pick("빼기표", "Hyphen"),
            "/" => self.lang.pick("빗금", "Slash"),
            _ => self.run,
        }
    }

    pub fn chart_summary(&self, rate_micro: i64, on_demand: u32, spot: u32) -> String {
        let rate = format::usd(rate_micro, 3);
        if self.ko() {
            format!("시간당 {rate}, 온디맨드 {on_demand}대, 스팟 {spot}대")
        } else {
            format!("{rate} per hour, {on_demand} On-Demand, {spot} Spot")
        }
    }

    pub fn price_source(&self, region: &str) -> String {
        if self.ko() {
            format!("{region} 공개 목록 가격, 스팟 가격은 모형 (USD)")
        } else {
            format!("public list prices of {region}; spot prices are modelled (USD)")
        }
    }

    pub fn position(&self, n: usize, of: usize) -> String {
        format!("{n}/{of}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_hangul(c: char) -> bool {
        ('가'..='힣').contains(&c)
    }

    #[test]
    fn english_has_no_hangul_and_korean_is_korean() {
        // Names stay English; a language button shows the other language's own name.
        let names = ["brand", "other_lang", "other_lang_code", "node_viewer", "yaml", "cordoned"];
        for (name, ko, en) in ALL {
            assert!(!ko.trim().is_empty() && !en.trim().is_empty(), "{name}");
            if !names.contains(name) {
                assert!(ko.chars().any(is_hangul), "{name}: {ko}");
                assert!(!en.chars().any(is_hangul), "{name}: {en}");
            }
        }
        assert_eq!(SHORTCUTS_KO.len(), SHORTCUTS_EN.len());
    }

    #[test]
    fn numbers_are_written_with_their_nouns() {
        assert_eq!(texts(Lang::Ko).lines_of(2, 40), "40줄 중 2줄");
        assert_eq!(texts(Lang::En).lines_of(40, 40), "40 lines");
        assert!(texts(Lang::Ko).repair(4, "7, 15").contains("4개"));
    }
}
