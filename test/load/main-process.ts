/**
 * A load of `runConstantRate` in a process of its own: reads its plan from the standard input, writes the result as one
 * JSON object.
 */
import { text } from 'node:stream/consumers'
import { type LoadPlan, runConstantRate } from './constant-rate.ts'

const plan: LoadPlan = JSON.parse(await text(process.stdin))
process.stdout.write(JSON.stringify(await runConstantRate(plan)))
