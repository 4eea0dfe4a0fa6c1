export { kindOf, type QueueKind, type QueueOptions } from './connection.ts'
export { type Consumer, openConsumer } from './consumer.ts'
export { openProducer, type Producer } from './producer.ts'
export { type OpenPulse, openPulse } from './pulse.ts'
