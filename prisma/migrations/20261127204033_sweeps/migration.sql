-- AlterTable
ALTER TABLE "jobs" ADD COLUMN     "batch_id" TEXT,
ADD COLUMN     "expected_ms" DOUBLE PRECISION,
ADD COLUMN     "repeat" INTEGER,
ADD COLUMN     "sweep_id" TEXT,
ADD COLUMN     "trial_index" INTEGER;

-- CreateTable
CREATE TABLE "sweeps" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "dataset_id" TEXT NOT NULL,
    "name" TEXT,
    "status" TEXT NOT NULL DEFAULT 'queued',
    "stop_reason" TEXT,
    "config" JSONB NOT NULL,
    "method" TEXT NOT NULL,
    "seed" BIGINT NOT NULL,
    "objective" JSONB NOT NULL,
    "repeats" INTEGER NOT NULL,
    "max_trials" INTEGER NOT NULL,
    "engine_version" TEXT NOT NULL,
    "rounds" JSONB NOT NULL DEFAULT '[]',
    "warnings" JSONB NOT NULL DEFAULT '[]',
    "error" JSONB,
    "metadata" JSONB NOT NULL,
    "event_seq" INTEGER NOT NULL DEFAULT 0,
    "finished_trials" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "sweeps_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sweep_trials" (
    "sweep_id" TEXT NOT NULL,
    "trial_index" INTEGER NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'waiting',
    "params" JSONB NOT NULL,
    "round" INTEGER,
    "seen_trials" INTEGER,
    "finished_order" INTEGER,
    "objective" DOUBLE PRECISION,
    "summary" JSONB,
    "epochs" INTEGER NOT NULL DEFAULT 0,
    "error" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "sweep_trials_pkey" PRIMARY KEY ("sweep_id","trial_index")
);

-- CreateTable
CREATE TABLE "sweep_events" (
    "id" TEXT NOT NULL,
    "sweep_id" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "level" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "data" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sweep_events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sweep_rungs" (
    "sweep_id" TEXT NOT NULL,
    "trial_index" INTEGER NOT NULL,
    "epoch" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "value" DOUBLE PRECISION,
    "decision" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sweep_rungs_pkey" PRIMARY KEY ("sweep_id","trial_index","epoch")
);

-- CreateIndex
CREATE INDEX "sweeps_project_id_created_at_id_idx" ON "sweeps"("project_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "sweeps_status_idx" ON "sweeps"("status");

-- CreateIndex
CREATE INDEX "sweeps_dataset_id_idx" ON "sweeps"("dataset_id");

-- CreateIndex
CREATE INDEX "sweep_trials_sweep_id_status_idx" ON "sweep_trials"("sweep_id", "status");

-- CreateIndex
CREATE INDEX "sweep_trials_sweep_id_objective_trial_index_idx" ON "sweep_trials"("sweep_id", "objective", "trial_index");

-- CreateIndex
CREATE UNIQUE INDEX "sweep_events_sweep_id_seq_key" ON "sweep_events"("sweep_id", "seq");

-- CreateIndex
CREATE UNIQUE INDEX "sweep_rungs_sweep_id_position_key" ON "sweep_rungs"("sweep_id", "position");

-- CreateIndex
CREATE INDEX "jobs_sweep_id_status_trial_index_idx" ON "jobs"("sweep_id", "status", "trial_index");

-- CreateIndex
CREATE INDEX "jobs_sweep_id_trial_index_idx" ON "jobs"("sweep_id", "trial_index");

-- AddForeignKey
ALTER TABLE "jobs" ADD CONSTRAINT "jobs_sweep_id_fkey" FOREIGN KEY ("sweep_id") REFERENCES "sweeps"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sweeps" ADD CONSTRAINT "sweeps_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sweeps" ADD CONSTRAINT "sweeps_project_id_dataset_id_fkey" FOREIGN KEY ("project_id", "dataset_id") REFERENCES "datasets"("project_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sweep_trials" ADD CONSTRAINT "sweep_trials_sweep_id_fkey" FOREIGN KEY ("sweep_id") REFERENCES "sweeps"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sweep_events" ADD CONSTRAINT "sweep_events_sweep_id_fkey" FOREIGN KEY ("sweep_id") REFERENCES "sweeps"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sweep_rungs" ADD CONSTRAINT "sweep_rungs_sweep_id_fkey" FOREIGN KEY ("sweep_id") REFERENCES "sweeps"("id") ON DELETE CASCADE ON UPDATE CASCADE;
