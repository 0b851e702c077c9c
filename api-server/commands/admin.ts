/**
 * `node admin.js COMMAND`: what an administrator does without the API, such as creating the first administrator.
 * Reads the environment of the server: in a cluster run it in a pod of the server, elsewhere as `npm run admin -- …`.
 */
import { parseArgs } from 'node:util'
import { ConfigError } from '../config/read-environment.ts'
import { claimsOfNamedUser } from './admin/claims.ts'
import { createAdmin } from './admin/create-admin.ts'
import { reencryptFactors } from './admin/reencrypt-factors.ts'
import { listUsers, resetFactorsOfNamedUser, unlockNamedUser } from './admin/users.ts'
import { withApp } from './admin/with-app.ts'

const usage = `Usage: npm run admin -- COMMAND, or in the image: node admin.js COMMAND
  create --email EMAIL [--name NAME] [--password-file FILE] [--promote]
      Creates an administrator. Without a file, the password is generated and printed once.
      --promote turns an existing user into an administrator.
  users [--second-factor none|some] [--role admin|user] [--state active|inactive]
      Lists users, one on each line: ID, role, state and email.
  unlock --email EMAIL | --id ID
      Clears the failed logins and the wrong codes of a user.
  claims --email EMAIL | --id ID [--add-role ROLE] [--remove-role ROLE] [--set-claim NAME=VALUE] [--remove-claim NAME]
      Changes application roles and custom claims of a user, and lists what the user has, also without a change.
      The options can be repeated. VALUE is JSON, such as 3, true or ["a","b"], or else a text.
  reset-factors --email EMAIL | --id ID
      Removes all second factors of a user, ends all sessions and notifies the user by mail.
  reencrypt-factors
      Encrypts all secrets of second factors with the newest key, and prints how many secrets need each key.`

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (error instanceof ConfigError) console.error(`The environment is invalid:\n${error.message}`)
  else console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

/** Commands print what they have done, and throw what went wrong. */
async function main([command = '', ...args]: string[]): Promise<void> {
  const text = { type: 'string' } as const
  switch (args.includes('--help') ? 'help' : command) {
    case 'create': {
      const options = { email: text, name: text, 'password-file': text, promote: { type: 'boolean' } } as const
      return createAdmin(parseArgs({ args, options }).values)
    }
    case 'users': {
      const { values } = parseArgs({ args, options: { 'second-factor': text, role: text, state: text } })
      return withApp((app) => listUsers(app, values))
    }
    case 'unlock': {
      const { values } = parseArgs({ args, options: { email: text, id: text } })
      return withApp((app) => unlockNamedUser(app, values))
    }
    case 'claims': {
      const list = { type: 'string', multiple: true } as const
      const changes = { 'add-role': list, 'remove-role': list, 'set-claim': list, 'remove-claim': list }
      const { values } = parseArgs({ args, options: { email: text, id: text, ...changes } })
      return withApp((app) => claimsOfNamedUser(app, values))
    }
    case 'reset-factors': {
      const { values } = parseArgs({ args, options: { email: text, id: text } })
      return withApp((app) => resetFactorsOfNamedUser(app, values))
    }
    case 'reencrypt-factors':
      parseArgs({ args, options: {} })
      return withApp(reencryptFactors)
    case 'help':
    case '--help':
    case '-h':
      console.log(usage)
      return
    default:
      throw new Error(usage)
  }
}
