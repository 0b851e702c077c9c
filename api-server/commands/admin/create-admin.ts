import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readConfig } from '../../config/config.ts'
import { migrationClient } from '../../plugins/external/mongo.ts'
import { makeAdmin } from '../initial-admin.ts'

interface CreateOptions {
  email?: string
  name?: string
  'password-file'?: string
  promote?: boolean
}

/** Creates an administrator, or promotes a user. Needs the database only. */
export async function createAdmin({
  email,
  name = 'Administrator',
  promote = false,
  'password-file': file,
}: CreateOptions): Promise<void> {
  if (email === undefined) throw new Error('Name the administrator with --email EMAIL.')
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
