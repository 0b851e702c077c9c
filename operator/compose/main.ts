import { text } from 'node:stream/consumers'
import { SetupError } from './settings.ts'
import { setup } from './setup.ts'

/** The service `setup` of compose.yaml: `node compose-setup.js`. */
try {
  const lines = await setup(process.argv.slice(2), process.env, () => text(process.stdin))
  console.log(lines.join('\n'))
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
