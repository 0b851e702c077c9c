/**
 * `node admin.js create --email EMAIL [--name NAME] [--password-file FILE] [--promote]`: creates an administrator.
 * Reads the environment of the server: in a cluster run it in a pod of the server, elsewhere as `npm run admin -- …`.
 * Without a file, the password is generated and printed once. `--promote` promotes an existing user.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { readConfig } from '../config/config.ts'
import { ConfigError } from '../config/read-environment.ts'
import { migrationClient } from '../plugins/external/mongo.ts'
import { makeAdmin } from './initial-admin.ts'

const usage = `Usage: npm run admin -- create --email EMAIL [--name NAME] [--password-file FILE] [--promote]
In the image: node admin.js create …`

try {
  await main()
} catch (error) {
  if (error instanceof ConfigError) console.error(`The environment is invalid:\n${error.message}`)
  else console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      email: { type: 'string' },
      name: { type: 'string', default: 'Administrator' },
      'password-file': { type: 'string' },
      promote: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    console.log(usage)
    return
  }
  const { email, name, promote, 'password-file': file } = values
  if (positionals.join(' ') !== 'create' || email === undefined) throw new Error(usage)

  const made = file === undefined ? randomBytes(18).toString('base64url') : undefined
  const password = file === undefined ? (made ?? '') : readFileSync(file, 'utf8').trim()
  // The command does not read keys, so it also works without them.
  const config = readConfig({ JWT_KEYS_FILE: 'none', ...process.env })
  await using client = migrationClient(config)
  const outcome = await makeAdmin(client.db(config.mongodb.database), config, { email, name, password, promote })
  switch (outcome) {
    case 'made':
      console.log(
        `Created the administrator ${email}.${made === undefined ? '' : ` Password, shown only once: ${made}`}`,
      )
      break
    case 'promoted':
      console.log(`${email} is now an administrator. Existing tokens show this after the next refresh.`)
      break
    case 'unchanged':
      console.log(`${email} is already an administrator. Nothing was changed.`)
  }
}
