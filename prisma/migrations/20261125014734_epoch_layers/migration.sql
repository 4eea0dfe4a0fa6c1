-- CreateTable
CREATE TABLE "epoch_layers" (
    "job_id" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL,
    "rows" INTEGER NOT NULL,
    "statistics" JSONB NOT NULL,
    "histograms" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "epoch_layers_pkey" PRIMARY KEY ("job_id","epoch")
);

-- AddForeignKey
ALTER TABLE "epoch_layers" ADD CONSTRAINT "epoch_layers_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "jobs"("id") ON DELETE CASCADE ON UPDATE CASCADE;
