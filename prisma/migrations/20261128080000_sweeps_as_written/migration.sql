-- The order of a sweep's parameters is that of its grid, and jsonb does not keep it.
ALTER TABLE "sweeps" ALTER COLUMN "config" TYPE JSON;
