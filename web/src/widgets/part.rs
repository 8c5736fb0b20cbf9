//! The one component of the page. Yew compiles a component's life (mounting, drawing again, hooks, the end) anew for
//! every type of component; here it is compiled once, and what a part draws, and with what, is a value.

use std::any::Any;
use std::rc::Rc;
pub use yew::functional::Hook;
use yew::functional::HookContext;
use yew::prelude::*;
use yew::virtual_dom::Key;

/// Draws a part: runs the hook that makes its picture.
type Draw<P> = fn(&mut HookContext, &P) -> Html;

trait Drawing {
    fn draw(&self, ctx: &mut HookContext) -> Html;
    fn same(&self, other: &dyn Drawing) -> bool;
    fn as_any(&self) -> &dyn Any;
}

struct Of<P> {
    draw: Draw<P>,
    props: P,
}

impl<P: PartialEq + 'static> Drawing for Of<P> {
    fn draw(&self, ctx: &mut HookContext) -> Html {
        (self.draw)(ctx, &self.props)
    }

    fn same(&self, other: &dyn Drawing) -> bool {
        let other = other.as_any().downcast_ref::<Of<P>>();
        other.is_some_and(|o| std::ptr::fn_addr_eq(self.draw, o.draw) && self.props == o.props)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[derive(Clone, Properties)]
struct PartProps {
    drawing: Rc<dyn Drawing>,
}

impl PartialEq for PartProps {
    fn eq(&self, other: &Self) -> bool {
        self.drawing.same(&*other.drawing)
    }
}

struct Run<'a>(&'a dyn Drawing);

impl Hook for Run<'_> {
    type Output = Html;

    fn run(self, ctx: &mut HookContext) -> Html {
        self.0.draw(ctx)
    }
}

fn use_drawing(props: &PartProps) -> Run<'_> {
    Run(&*props.drawing)
}

#[component]
fn Part(props: &PartProps) -> Html {
    use_drawing(props)
}

fn place(key: Key, drawing: Rc<dyn Drawing>) -> Html {
    html! { <Part {key} {drawing} /> }
}

/// A part that draws itself again when what its hooks read changes. The key tells parts from each other that may
/// stand at the same place or beside each other, so that none takes over another's state.
pub fn part(key: &'static str, draw: Draw<()>) -> Html {
    part_of(key, draw, ())
}

/// A [`part`] with properties: it is drawn again when they change, too.
pub fn part_of<P: PartialEq + 'static>(key: impl Into<Key>, draw: Draw<P>, props: P) -> Html {
    place(key.into(), Rc::new(Of { draw, props }))
}
