-- AlterTable
ALTER TABLE "jobs" ADD COLUMN     "test" JSONB,
ADD COLUMN     "test_dataset_id" TEXT;

-- CreateIndex
CREATE INDEX "jobs_test_dataset_id_idx" ON "jobs"("test_dataset_id");

-- AddForeignKey
ALTER TABLE "jobs" ADD CONSTRAINT "jobs_project_id_test_dataset_id_fkey" FOREIGN KEY ("project_id", "test_dataset_id") REFERENCES "datasets"("project_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;
