-- What a project has had of the threads lately is read before each choice of what runs next.
CREATE INDEX "jobs_finished_at_idx" ON "jobs"("finished_at");
