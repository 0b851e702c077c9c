/**
 * Runs `runConstantRate` in a process of its own. Reads the plan as JSON from standard input and writes the result as
 * JSON.
 */
import { text } from 'node:stream/consumers'
import { type LoadPlan, runConstantRate } from './constant-rate.ts'

const plan: LoadPlan = JSON.parse(await text(process.stdin))
process.stdout.write(JSON.stringify(await runConstantRate(plan)))
