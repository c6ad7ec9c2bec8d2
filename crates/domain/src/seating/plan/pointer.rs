//! Where the importer stands in the document: a chain of steps on the stack, rendered only when something is wrong.

use super::error::{PlanError, PlanProblem};

#[derive(Debug, Clone, Copy)]
enum Step {
    Key(&'static str),
    Index(usize),
}

/// A place in the document.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    parent: Option<&'a At<'a>>,
    step: Option<Step>,
}

impl<'a> At<'a> {
    pub(super) const ROOT: At<'static> = At { parent: None, step: None };

    pub(super) fn key(&'a self, key: &'static str) -> At<'a> {
        At { parent: Some(self), step: Some(Step::Key(key)) }
    }

    pub(super) fn index(&'a self, index: usize) -> At<'a> {
        At { parent: Some(self), step: Some(Step::Index(index)) }
    }

    /// The RFC 6901 pointer. Keys are names of the format's own properties, none of which needs escaping.
    pub(super) fn pointer(&self) -> String {
        let mut pointer = self.parent.map(At::pointer).unwrap_or_default();
        match self.step {
            Some(Step::Key(key)) => {
                pointer.push('/');
                pointer.push_str(key);
            }
            Some(Step::Index(index)) => {
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
            None => {}
        }
        pointer
    }

    /// The fault of what stands here.
    pub(super) fn fault(&self, problem: PlanProblem) -> PlanError {
        PlanError { pointer: self.pointer(), problem }
    }
}
