import { parentPort } from 'node:worker_threads'
import { disband } from '../src/wasm/team.ts'

parentPort?.on('message', disband)
