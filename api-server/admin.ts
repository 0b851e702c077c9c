/**
 * `node admin.js create --email EMAIL [--name NAME] [--password-file FILE] [--promote]`: makes an administrator.
 * Reads the environment of the server: in a cluster run it in a pod of the server, elsewhere as `npm run admin -- …`.
 * Without a file the password is made up and printed once. `--promote` makes an existing user one.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import Value from 'typebox/value'
import { ConfigError, readConfig } from './config.ts'
import { makeAdmin } from './initial-admin.ts'
import { migrationClient } from './plugins/external/mongo.ts'
import { Email } from './schemas/auth.ts'

const usage = `Usage: npm run admin -- create --email EMAIL [--name NAME] [--password-file FILE] [--promote]
In the image: node admin.js create …`

try {
  await main()
} catch (error) {
  if (error instanceof ConfigError) console.error(`The environment cannot be used:\n${error.message}`)
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
    },
  })
  const { email, name, promote, 'password-file': file } = values
  if (positionals.join(' ') !== 'create' || email === undefined) throw new Error(usage)
  if (!Value.Check(Email, email)) throw new Error(`"${email}" is no email. ${usage}`)

  const made = file === undefined ? randomBytes(18).toString('base64url') : undefined
  const password = file === undefined ? (made ?? '') : readFileSync(file, 'utf8').trim()
  // Keys are not read here: whoever has none at hand can make an administrator all the same.
  const config = readConfig({ JWT_KEYS_FILE: 'none', ...process.env })
  await using client = migrationClient(config)
  const outcome = await makeAdmin(client.db(config.mongodb.database), config, { email, name, password, promote })
  switch (outcome) {
    case 'made':
      console.log(`Made the administrator ${email}.${made === undefined ? '' : ` Password, shown this once: ${made}`}`)
      break
    case 'promoted':
      console.log(`${email} is an administrator now; tokens that it has say so after the next refresh.`)
      break
    case 'unchanged':
      console.log(`${email} is an administrator already. Nothing was changed.`)
  }
}
