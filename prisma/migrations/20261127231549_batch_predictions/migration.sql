-- AlterTable
ALTER TABLE "datasets" ADD COLUMN     "lineage" JSONB;

-- CreateTable
CREATE TABLE "batch_predictions" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "name" TEXT,
    "status" TEXT NOT NULL DEFAULT 'queued',
    "model" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "model_sha256" TEXT NOT NULL,
    "dataset_sha256" TEXT NOT NULL,
    "dataset_id" TEXT NOT NULL,
    "networks" JSONB NOT NULL,
    "columns" JSONB NOT NULL,
    "outputs" JSONB NOT NULL,
    "rows" INTEGER NOT NULL,
    "rows_done" INTEGER NOT NULL DEFAULT 0,
    "result_dataset_id" TEXT,
    "error" JSONB,
    "event_seq" INTEGER NOT NULL DEFAULT 0,
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "crash_count" INTEGER NOT NULL DEFAULT 0,
    "lease_epoch" INTEGER NOT NULL DEFAULT 0,
    "lease_owner" TEXT,
    "lease_until" TIMESTAMPTZ(3),
    "run_after" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "batch_predictions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "batch_prediction_events" (
    "id" TEXT NOT NULL,
    "batch_prediction_id" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "level" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "data" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "batch_prediction_events_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "batch_predictions_project_id_created_at_id_idx" ON "batch_predictions"("project_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "batch_predictions_status_created_at_idx" ON "batch_predictions"("status", "created_at");

-- CreateIndex
CREATE INDEX "batch_predictions_dataset_id_idx" ON "batch_predictions"("dataset_id");

-- CreateIndex
CREATE UNIQUE INDEX "batch_prediction_events_batch_prediction_id_seq_key" ON "batch_prediction_events"("batch_prediction_id", "seq");

-- AddForeignKey
ALTER TABLE "batch_predictions" ADD CONSTRAINT "batch_predictions_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "batch_prediction_events" ADD CONSTRAINT "batch_prediction_events_batch_prediction_id_fkey" FOREIGN KEY ("batch_prediction_id") REFERENCES "batch_predictions"("id") ON DELETE CASCADE ON UPDATE CASCADE;
