-- AlterTable
ALTER TABLE "jobs" ADD COLUMN     "split_sha256" TEXT;

-- CreateIndex
CREATE INDEX "jobs_split_sha256_idx" ON "jobs"("split_sha256");

-- AddForeignKey
ALTER TABLE "jobs" ADD CONSTRAINT "jobs_split_sha256_fkey" FOREIGN KEY ("split_sha256") REFERENCES "blobs"("sha256") ON DELETE SET NULL ON UPDATE CASCADE;
