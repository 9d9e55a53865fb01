"""Labs with their versions, classes with their seats and students; claims and console tickets know them too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261125_classes"
down_revision = "20261125_signed_audit"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")
OPEN = sa.text("state NOT IN ('ended', 'cancelled')")


def upgrade() -> None:
    op.create_table(
        "labs",
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("errors", DOCUMENT, nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_labs")),
    )
    op.create_table(
        "lab_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lab_slug", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("spec", DOCUMENT, nullable=False),
        sa.ForeignKeyConstraint(["lab_slug"], ["labs.slug"], name=op.f("fk_lab_versions_lab_slug")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_versions")),
        sa.UniqueConstraint("lab_slug", "version", name=op.f("uq_lab_versions_lab_slug_version")),
    )
    op.create_table(
        "lab_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lab_slug", sa.String(length=60), nullable=False),
        sa.Column("lab_version_id", sa.Uuid(), nullable=False),
        sa.Column("teacher_id", sa.Uuid(), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("spares", sa.Integer(), nullable=False),
        sa.Column("seat_vcpus", sa.Integer(), nullable=False),
        sa.Column("seat_memory_mib", sa.Integer(), nullable=False),
        sa.Column("seat_disk_gib", sa.Integer(), nullable=False),
        sa.Column("join_code", sa.String(length=12), nullable=False),
        sa.Column("room", sa.String(length=120), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "booked",
                "preparing",
                "ready",
                "running",
                "ended",
                "cancelled",
                name="labsessionstate",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("prepare_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("prepared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("workflow_id", sa.String(length=80), nullable=True),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("catch_up_step", sa.String(length=60), nullable=False),
        sa.Column("notice", sa.Text(), nullable=False),
        sa.Column("notice_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_missing", sa.Boolean(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("trouble_params", DOCUMENT, nullable=False),
        sa.Column("grade_link", DOCUMENT, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], name=op.f("fk_lab_sessions_department_id")),
        sa.ForeignKeyConstraint(["lab_version_id"], ["lab_versions.id"], name=op.f("fk_lab_sessions_lab_version_id")),
        sa.ForeignKeyConstraint(["teacher_id"], ["accounts.id"], name=op.f("fk_lab_sessions_teacher_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_sessions")),
    )
    with op.batch_alter_table("lab_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lab_sessions_lab_slug"), ["lab_slug"], unique=False)
        batch_op.create_index(batch_op.f("ix_lab_sessions_state"), ["state"], unique=False)
        batch_op.create_index("ix_lab_sessions_teacher", ["teacher_id", "starts_at"], unique=False)
        batch_op.create_index("ix_lab_sessions_time", ["ends_at", "starts_at"], unique=False)
        batch_op.create_index(
            "uq_lab_sessions_code_open", ["join_code"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN
        )

    op.create_table(
        "seat_images",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("lab_version_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum("building", "ready", "failed", "gone", name="seatimagestate", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("trouble_params", DOCUMENT, nullable=False),
        sa.Column("boot_s", sa.Double(), nullable=True),
        sa.Column("workflow_id", sa.String(length=80), nullable=True),
        sa.Column("fencing", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["lab_version_id"], ["lab_versions.id"], name=op.f("fk_seat_images_lab_version_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_seat_images")),
    )
    with op.batch_alter_table("seat_images", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_seat_images_state"), ["state"], unique=False)

    op.create_table(
        "students",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lab_session_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locale", sa.String(length=8), nullable=False),
        sa.Column("step", sa.String(length=60), nullable=False),
        sa.Column("hand", sa.String(length=300), nullable=True),
        sa.Column("hand_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["lab_session_id"], ["lab_sessions.id"], name=op.f("fk_students_lab_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_students")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_students_key_hash")),
    )
    with op.batch_alter_table("students", schema=None) as batch_op:
        batch_op.create_index("ix_students_session", ["lab_session_id", "joined_at"], unique=False)

    op.create_table(
        "seats",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lab_session_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "building", "ready", "taken", "replaced", "kept", "gone", name="seatstate", native_enum=False, length=20
            ),
            nullable=False,
        ),
        sa.Column("host_id", sa.Uuid(), nullable=True),
        sa.Column("student_id", sa.Uuid(), nullable=True),
        sa.Column("warm", sa.Boolean(), nullable=True),
        sa.Column("fencing", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resets", sa.Integer(), nullable=False),
        sa.Column("teacher_here", sa.Boolean(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("trouble_params", DOCUMENT, nullable=False),
        sa.ForeignKeyConstraint(["host_id"], ["hosts.id"], name=op.f("fk_seats_host_id")),
        sa.ForeignKeyConstraint(["lab_session_id"], ["lab_sessions.id"], name=op.f("fk_seats_lab_session_id")),
        sa.ForeignKeyConstraint(["student_id"], ["students.id"], name=op.f("fk_seats_student_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seats")),
        sa.UniqueConstraint("lab_session_id", "number", name=op.f("uq_seats_lab_session_id_number")),
        sa.UniqueConstraint("student_id", name=op.f("uq_seats_student_id")),
    )
    with op.batch_alter_table("seats", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_seats_host_id"), ["host_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_seats_state"), ["state"], unique=False)

    op.create_table(
        "step_results",
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.String(length=60), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("hints", sa.Integer(), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("passed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("said", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["student_id"], ["students.id"], name=op.f("fk_step_results_student_id")),
        sa.PrimaryKeyConstraint("student_id", "step", name=op.f("pk_step_results")),
    )
    op.create_table(
        "seat_machines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seat_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("domain_name", sa.String(length=120), nullable=False),
        sa.Column("template_version_id", sa.Uuid(), nullable=False),
        sa.Column("vcpus", sa.Integer(), nullable=False),
        sa.Column("memory_mib", sa.Integer(), nullable=False),
        sa.Column("disk_gib", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["seat_id"], ["seats.id"], name=op.f("fk_seat_machines_seat_id")),
        sa.ForeignKeyConstraint(
            ["template_version_id"], ["template_versions.id"], name=op.f("fk_seat_machines_template_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seat_machines")),
        sa.UniqueConstraint("seat_id", "name", name=op.f("uq_seat_machines_seat_id_name")),
    )
    with op.batch_alter_table("claims", schema=None) as batch_op:
        batch_op.add_column(sa.Column("lab_session_id", sa.Uuid(), nullable=True))
        batch_op.alter_column("vm_request_id", existing_type=sa.Uuid(), nullable=True)
        batch_op.alter_column("department_id", existing_type=sa.Uuid(), nullable=True)
        batch_op.create_index(batch_op.f("ix_claims_lab_session_id"), ["lab_session_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_claims_lab_session_id"), "lab_sessions", ["lab_session_id"], ["id"])

    with op.batch_alter_table("console_tickets", schema=None) as batch_op:
        batch_op.add_column(sa.Column("student_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("seat_machine_id", sa.Uuid(), nullable=True))
        batch_op.alter_column("account_id", existing_type=sa.Uuid(), nullable=True)
        batch_op.alter_column("vm_id", existing_type=sa.Uuid(), nullable=True)
        batch_op.create_foreign_key(
            batch_op.f("fk_console_tickets_seat_machine_id"), "seat_machines", ["seat_machine_id"], ["id"]
        )
        batch_op.create_foreign_key(batch_op.f("fk_console_tickets_student_id"), "students", ["student_id"], ["id"])


def downgrade() -> None:
    op.execute("DELETE FROM console_tickets")  # they live for seconds
    op.execute("DELETE FROM claims WHERE vm_request_id IS NULL OR department_id IS NULL")
    with op.batch_alter_table("console_tickets", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_console_tickets_student_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_console_tickets_seat_machine_id"), type_="foreignkey")
        batch_op.alter_column("vm_id", existing_type=sa.Uuid(), nullable=False)
        batch_op.alter_column("account_id", existing_type=sa.Uuid(), nullable=False)
        batch_op.drop_column("seat_machine_id")
        batch_op.drop_column("student_id")

    with op.batch_alter_table("claims", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_claims_lab_session_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_claims_lab_session_id"))
        batch_op.alter_column("department_id", existing_type=sa.Uuid(), nullable=False)
        batch_op.alter_column("vm_request_id", existing_type=sa.Uuid(), nullable=False)
        batch_op.drop_column("lab_session_id")

    op.drop_table("seat_machines")
    op.drop_table("step_results")
    with op.batch_alter_table("seats", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_seats_state"))
        batch_op.drop_index(batch_op.f("ix_seats_host_id"))

    op.drop_table("seats")
    with op.batch_alter_table("students", schema=None) as batch_op:
        batch_op.drop_index("ix_students_session")

    op.drop_table("students")
    with op.batch_alter_table("seat_images", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_seat_images_state"))

    op.drop_table("seat_images")
    with op.batch_alter_table("lab_sessions", schema=None) as batch_op:
        batch_op.drop_index("uq_lab_sessions_code_open", sqlite_where=OPEN, postgresql_where=OPEN)
        batch_op.drop_index("ix_lab_sessions_time")
        batch_op.drop_index("ix_lab_sessions_teacher")
        batch_op.drop_index(batch_op.f("ix_lab_sessions_state"))
        batch_op.drop_index(batch_op.f("ix_lab_sessions_lab_slug"))

    op.drop_table("lab_sessions")
    op.drop_table("lab_versions")
    op.drop_table("labs")
