"""What the review page asks of the store, and what it does there: one name to import; the work is in the files named."""

from __future__ import annotations

from sayso.store.answering import (
    delete_draft,
    save_draft,
    save_refinement,
    set_scores,
    set_state,
    set_verdict,
    sign_off,
)
from sayso.store.details import CommentPage, CommentView, Detail, comment_page, detail
from sayso.store.pairs import Choice, Pair, Pairs, Tally, blind_pairs, choices_between, save_choice
from sayso.store.people import (
    Invitation,
    Redeemed,
    Reviewer,
    add_reviewer,
    deactivate,
    ensure_reviewer,
    invitation,
    issue_token,
    redeem,
    reviewer,
    reviewer_by_token,
    reviewers,
    revoke,
    set_language,
)
from sayso.store.queue import Order, Page, QueueItem, State, queue, versions
from sayso.store.reviewing import CommentForm, edit_comment, reopen_comment, save_comment, withdraw_comment
from sayso.store.standing import Similar, make_standing, similar_comments
from sayso.store.tallies import (
    Changes,
    CommentRow,
    Counts,
    FamilyRow,
    RatingRow,
    changes_since,
    comment_rows,
    counts,
    coverage,
    last_event,
    ratings,
)
from sayso.store.teamwork import (
    Dispute,
    Guideline,
    Progress,
    Vote,
    adjudicate,
    adjudication,
    assign,
    guideline,
    progress,
    set_guideline,
    unassigned,
)

__all__ = [
    "Changes", "Choice", "CommentForm", "CommentPage", "CommentRow", "CommentView", "Counts", "Detail", "Dispute",
    "FamilyRow", "Guideline", "Invitation", "Order", "Page", "Pair", "Pairs", "Progress", "QueueItem",
    "RatingRow", "Redeemed", "Reviewer", "Similar", "State", "Tally", "Vote", "add_reviewer", "adjudicate",
    "adjudication", "assign", "blind_pairs", "changes_since", "choices_between", "comment_page", "comment_rows", "counts",
    "coverage", "deactivate", "delete_draft", "detail", "edit_comment", "ensure_reviewer", "guideline", "invitation",
    "issue_token", "last_event", "make_standing", "progress", "queue", "ratings", "redeem", "reopen_comment",
    "reviewer", "reviewer_by_token", "reviewers", "revoke", "save_choice", "save_comment", "save_draft", "save_refinement",
    "set_guideline", "set_language", "set_scores", "set_state", "set_verdict", "sign_off", "similar_comments",
    "unassigned", "versions", "withdraw_comment",
]  # fmt: skip
