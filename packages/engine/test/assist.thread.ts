import { parentPort } from 'node:worker_threads'
import { assist } from '../src/wasm/team.ts'

parentPort?.on('message', assist)
