"""Series of classes, their languages, and classes that somebody else has to agree to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261126_bookings"
down_revision = "20261126_seat_signs"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")
APPROVALS = ("not_needed", "waiting", "approved", "denied", "lapsed")


def upgrade() -> None:
    op.create_table(
        "class_series",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "rule",
            sa.Enum("weekly", "listed", "imported", name="seriesrule", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_class_series")),
    )
    with op.batch_alter_table("class_series", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_class_series_rule"), ["rule"], unique=False)

    approval = sa.Enum(*APPROVALS, name="classapproval", native_enum=False, length=20)
    with op.batch_alter_table("lab_sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("series_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("languages", DOCUMENT, nullable=False, server_default='["es", "en"]'))
        batch_op.add_column(sa.Column("approval", approval, nullable=False, server_default="not_needed"))
        batch_op.add_column(sa.Column("approval_asked_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("approval_asked_by_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("approval_reminded", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("decided_by_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("decision_comment", sa.Text(), nullable=False, server_default=""))
        batch_op.create_foreign_key(batch_op.f("fk_lab_sessions_series_id"), "class_series", ["series_id"], ["id"])
        for column in ("approval_asked_by_id", "decided_by_id"):
            batch_op.create_foreign_key(batch_op.f(f"fk_lab_sessions_{column}"), "accounts", [column], ["id"])
    with op.batch_alter_table("lab_sessions", schema=None) as batch_op:
        batch_op.alter_column("languages", existing_type=DOCUMENT, server_default=None)
        batch_op.alter_column("approval", existing_type=approval, server_default=None)
        batch_op.alter_column("approval_reminded", existing_type=sa.Boolean(), server_default=None)
        batch_op.alter_column("decision_comment", existing_type=sa.Text(), server_default=None)
        batch_op.create_index(batch_op.f("ix_lab_sessions_series_id"), ["series_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_lab_sessions_approval"), ["approval"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("lab_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lab_sessions_approval"))
        batch_op.drop_index(batch_op.f("ix_lab_sessions_series_id"))
        for column in ("series_id", "approval_asked_by_id", "decided_by_id"):
            batch_op.drop_constraint(batch_op.f(f"fk_lab_sessions_{column}"), type_="foreignkey")
        for column in (
            "decision_comment",
            "decided_at",
            "decided_by_id",
            "approval_reminded",
            "approval_asked_by_id",
            "approval_asked_at",
            "approval",
            "languages",
            "series_id",
        ):
            batch_op.drop_column(column)
    with op.batch_alter_table("class_series", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_class_series_rule"))
    op.drop_table("class_series")
