-- Of weights that the gc of a sweep has removed the hash stays: a training again can still be compared with it.
ALTER TABLE "job_weights" ADD COLUMN "removed_sha256" TEXT,
ALTER COLUMN "sha256" DROP NOT NULL;

ALTER TABLE "job_weights" ADD CONSTRAINT "job_weights_kept_or_removed" CHECK (num_nonnulls("sha256", "removed_sha256") = 1);
