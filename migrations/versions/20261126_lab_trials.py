"""Trials of labs: one seat on which every step is shown to fail before its solution and to pass after it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261126_lab_trials"
down_revision = "20261125_people"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")
STATES = ("running", "passed", "failed", "stopped")


def upgrade() -> None:
    op.create_table(
        "lab_trials",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by_id", sa.Uuid(), nullable=True),
        sa.Column("workflow_id", sa.String(length=80), nullable=True),
        sa.Column("host_id", sa.Uuid(), nullable=True),
        sa.Column("fencing", sa.Integer(), nullable=False),
        sa.Column("boot_s", sa.Double(), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("trouble_params", DOCUMENT, nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lab_version_id", sa.Uuid(), nullable=False),
        sa.Column("seat_vcpus", sa.Integer(), nullable=False),
        sa.Column("seat_memory_mib", sa.Integer(), nullable=False),
        sa.Column("seat_disk_gib", sa.Integer(), nullable=False),
        sa.Column("state", sa.Enum(*STATES, name="labtrialstate", native_enum=False, length=20), nullable=False),
        sa.Column("findings", DOCUMENT, nullable=False),
        sa.Column("guide_mistakes", DOCUMENT, nullable=False),
        sa.Column("alive_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["asked_by_id"], ["accounts.id"], name=op.f("fk_lab_trials_asked_by_id")),
        sa.ForeignKeyConstraint(["host_id"], ["hosts.id"], name=op.f("fk_lab_trials_host_id")),
        sa.ForeignKeyConstraint(["lab_version_id"], ["lab_versions.id"], name=op.f("fk_lab_trials_lab_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_trials")),
    )
    op.create_index("ix_lab_trials_version", "lab_trials", ["lab_version_id", "asked_at"], unique=False)
    op.create_index("ix_lab_trials_end", "lab_trials", ["ended_at"], unique=False)
    op.create_index(op.f("ix_lab_trials_state"), "lab_trials", ["state"], unique=False)
    with op.batch_alter_table("claims") as claims:
        claims.add_column(sa.Column("lab_trial_id", sa.Uuid(), nullable=True))
        claims.create_foreign_key(op.f("fk_claims_lab_trial_id"), "lab_trials", ["lab_trial_id"], ["id"])
        claims.create_index(op.f("ix_claims_lab_trial_id"), ["lab_trial_id"])


def downgrade() -> None:
    op.execute("DELETE FROM claims WHERE lab_trial_id IS NOT NULL")
    with op.batch_alter_table("claims") as claims:
        claims.drop_index(op.f("ix_claims_lab_trial_id"))
        claims.drop_constraint(op.f("fk_claims_lab_trial_id"), type_="foreignkey")
        claims.drop_column("lab_trial_id")
    op.drop_index(op.f("ix_lab_trials_state"), table_name="lab_trials")
    op.drop_index("ix_lab_trials_end", table_name="lab_trials")
    op.drop_index("ix_lab_trials_version", table_name="lab_trials")
    op.drop_table("lab_trials")
