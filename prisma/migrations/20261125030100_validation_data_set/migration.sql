-- AlterTable
ALTER TABLE "jobs" ADD COLUMN     "validation_dataset_id" TEXT;

-- CreateIndex
CREATE INDEX "jobs_validation_dataset_id_idx" ON "jobs"("validation_dataset_id");

-- AddForeignKey
ALTER TABLE "jobs" ADD CONSTRAINT "jobs_project_id_validation_dataset_id_fkey" FOREIGN KEY ("project_id", "validation_dataset_id") REFERENCES "datasets"("project_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;
