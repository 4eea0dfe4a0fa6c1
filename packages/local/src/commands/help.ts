export const HELP = `usage: npm run trainyard -- <command>

  start                      run the whole stack on this machine (npm start)
  demo                       train on handwritten digits and show it (npm run demo)
  keys create --name <name> [--project <project>] [--expires-days <days>]
                             make an API key and print it once
  keys list                  list the keys; their texts are not stored
  migrate                    bring the database at DATABASE_URL up to date
  api | scheduler | worker   run one service in the foreground
  build                      make kernels and database client if they are stale
  test [argument…]           install, build and run the tests (npm test)
  help                       this text

environment: PORT (3000), HOST (127.0.0.1), TRAINYARD_HOME (.trainyard), TRAINYARD_WORKER_THREADS (all cores),
             DATABASE_URL (then no Postgres is started), REDIS_URL (then the queue is on Redis)
`
