"""Rehearsals of classes: what one seat, made for real the evening before, has shown."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261125_rehearsals"
down_revision = "20261125_classes"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "rehearsals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lab_session_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by_id", sa.Uuid(), nullable=True),
        sa.Column("workflow_id", sa.String(length=80), nullable=True),
        sa.Column("host_id", sa.Uuid(), nullable=True),
        sa.Column("fencing", sa.Integer(), nullable=False),
        sa.Column("boot_s", sa.Double(), nullable=True),
        sa.Column("restore_s", sa.Double(), nullable=True),
        sa.Column("findings", DOCUMENT, nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("trouble_params", DOCUMENT, nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["asked_by_id"], ["accounts.id"], name=op.f("fk_rehearsals_asked_by_id")),
        sa.ForeignKeyConstraint(["host_id"], ["hosts.id"], name=op.f("fk_rehearsals_host_id")),
        sa.ForeignKeyConstraint(["lab_session_id"], ["lab_sessions.id"], name=op.f("fk_rehearsals_lab_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rehearsals")),
    )
    op.create_index("ix_rehearsals_session", "rehearsals", ["lab_session_id", "asked_at"], unique=False)
    op.create_index("ix_rehearsals_end", "rehearsals", ["ended_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_rehearsals_end", table_name="rehearsals")
    op.drop_index("ix_rehearsals_session", table_name="rehearsals")
    op.drop_table("rehearsals")
