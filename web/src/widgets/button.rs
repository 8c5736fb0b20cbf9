//! Buttons with a drawn icon, a name and a tooltip.

use yew::prelude::*;

/// Icons on a 16 x 16 grid, drawn with the text colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Play,
    Pause,
    Next,
    Undo,
    Redo,
    Reset,
    Share,
    Theme,
    Help,
    Close,
    Stop,
    Book,
    Plus,
    Minus,
    Open,
    Table,
    Picture,
    Copy,
}

impl Icon {
    fn path(self) -> &'static str {
        match self {
            Icon::Play => "M4.5 2.8v10.4L13 8z",
            Icon::Pause => "M4 3h3v10H4zM9 3h3v10H9z",
            Icon::Next => "M3 3v10l7-5zM11 3h2v10h-2z",
            Icon::Undo => {
                "M6.5 3 2.5 6.5l4 3.5V7.6h3.2c1.7 0 2.8 1 2.8 2.5s-1.100 2.400-2.800 2.400H6V14h3.800c2.600 0 4.300-1.500 4.300-3.900S12.400 6 9.800 6H6.500z"
            }
            Icon::Redo => {
                "M9.500 3l4 3.500-4 3.500V7.600H6.300c-1.700 0-2.800 1-2.800 2.500s1.100 2.400 2.800 2.400H10V14H6.200c-2.600 0-4.300-1.500-4.300-3.900S3.600 6 6.200 6h3.300z"
            }
            Icon::Reset => "M8 2.500a5.500 5.500 0 1 1-5.200 3.700l1.450.500A4 4 0 1 0 8 4v2.300L4.600 3.500 8 .700z",
            Icon::Share => {
                "M8 1.200 11.600 5l-1.100 1.100-1.750-1.850V10h-1.500V4.250L5.500 6.100 4.400 5zM3 8h1.500v5h7V8H13v6.500H3z"
            }
            Icon::Theme => "M8 1.500a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zm0 1.500v10A5 5 0 0 1 8 3z",
            Icon::Help => {
                "M8 1.500a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zm0 1.400a5.100 5.100 0 1 1 0 10.200A5.100 5.100 0 0 1 8 2.900zM7.250 10.500h1.500V12h-1.500zM8 4.200c1.500 0 2.500.9 2.500 2.200 0 1-.6 1.500-1.200 1.900-.5.300-.6.500-.6.900v.300H7.300V9c0-1 .5-1.500 1.100-1.900.5-.3.700-.5.700-.8 0-.5-.4-.8-1.100-.8s-1.100.4-1.200 1L5.400 6.300C5.600 5 6.500 4.200 8 4.200z"
            }
            Icon::Close => "m4 2.900 4 4 4-4L13.100 4l-4 4 4 4-1.100 1.100-4-4-4 4L2.900 12l4-4-4-4z",
            Icon::Stop => "M3.500 3.500h9v9h-9z",
            Icon::Book => {
                "M2 2.500h4.500c.6 0 1.100.2 1.500.6.4-.4.900-.6 1.500-.6H14v10.500H9.600c-.7 0-1.200.2-1.600.800-.4-.6-.9-.8-1.600-.8H2zM3.400 3.900v7.700h3c.300 0 .6 0 .9.100V4.600c-.2-.5-.5-.7-.9-.7zm9.200 0h-3c-.4 0-.7.200-.9.700v7.100c.3-.1.6-.1.9-.1h3z"
            }
            Icon::Plus => "M7.250 3h1.500v4.250H13v1.500H8.750V13h-1.500V8.750H3v-1.500h4.250z",
            Icon::Minus => "M3 7.250h10v1.500H3z",
            Icon::Open => "M9 2h5v5h-1.500V4.600L7.600 9.500 6.500 8.400l4.900-4.900H9zM3 3h4v1.500H4.500v7h7V9H13v4H3z",
            Icon::Table => {
                "M2 3h12v10H2zm1.400 1.400v1.800h9.200V4.400zm0 3.100v1.700h3.900V7.500zm5.300 0v1.700h3.900V7.500zm-5.300 3v1.100h3.900v-1.100zm5.300 0v1.100h3.900v-1.100z"
            }
            Icon::Picture => "M2 2h5v5H2zm7 0h5v5H9zM2 9h5v5H2zm7 0h5v5H9z",
            Icon::Copy => "M5 1.500h8.500V11H11v3H2.500V4.500H5zm1.400 3H11v5h1.100V2.900H6.400zM3.900 5.900v6.700h5.700V5.900z",
        }
    }
}

/// Draws an icon; hidden from readers, whose name is on the control.
pub fn icon(icon: Icon) -> Html {
    html! {
        <svg class="nw-icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
            <path d={icon.path()} fill="currentColor" fill-rule="evenodd" />
        </svg>
    }
}

/// A button with a drawn icon.
pub struct Button {
    icon: Icon,
    label: AttrValue,
    onclick: Callback<MouseEvent>,
    text: bool,
    disabled: bool,
    class: &'static str,
    pressed: Option<bool>,
}

impl Button {
    /// `label` is the name for readers and the tooltip.
    pub fn new(icon: Icon, label: impl Into<AttrValue>, onclick: Callback<MouseEvent>) -> Button {
        Button { icon, label: label.into(), onclick, text: false, disabled: false, class: "", pressed: None }
    }

    /// Shows the label beside the icon.
    pub fn text(self) -> Button {
        Button { text: true, ..self }
    }

    pub fn disabled(self, disabled: bool) -> Button {
        Button { disabled, ..self }
    }

    /// Further classes.
    pub fn class(self, class: &'static str) -> Button {
        Button { class, ..self }
    }

    /// A button that stays down.
    pub fn pressed(self, pressed: bool) -> Button {
        Button { pressed: Some(pressed), ..self }
    }

    pub fn draw(self) -> Html {
        let label = self.label;
        html! {
            <button type="button" class={classes!("nw-btn", self.class)} title={label.clone()}
                aria-label={(!self.text).then(|| label.clone())} aria-pressed={self.pressed.map(|p| if p { "true" } else { "false" })}
                disabled={self.disabled} onclick={self.onclick}>
                { icon(self.icon) }
                { if self.text { html! { <span>{ label }</span> } } else { html! {} } }
            </button>
        }
    }
}
