import { EnvironmentSchema } from '@authservice-operator/contract/environment.ts'
import { type Environment, parseVariables, setVariables } from '@authservice-operator/contract/read-variables.ts'
import Type, { type Static } from 'typebox'
import { hostPattern } from '../authservice/api/fields.ts'

const server = EnvironmentSchema.properties

/** The variables that setup reads. All but AUTH_HOST are the server's own, so that edge and server enforce the same limits. */
const SettingsSchema = Type.Object({
  AUTH_HOST: Type.String({
    pattern: hostPattern,
    maxLength: 253,
    default: 'auth.localhost',
    description: 'host name of the edge, in lower case, such as auth.example.com',
  }),
  ENVIRONMENT: server.ENVIRONMENT,
  DATABASE_NAME: server.DATABASE_NAME,
  RATE_LIMIT_PER_CLIENT: server.RATE_LIMIT_PER_CLIENT,
  RATE_LIMIT_BURST: server.RATE_LIMIT_BURST,
  RATE_LIMIT_LOGIN: server.RATE_LIMIT_LOGIN,
  RATE_LIMIT_REGISTER: server.RATE_LIMIT_REGISTER,
  RATE_LIMIT_RESET: server.RATE_LIMIT_RESET,
})

export type Settings = Static<typeof SettingsSchema>

/** A fault that the user can correct. The message says what to do. */
export class SetupError extends Error {
  override name = 'SetupError'
}

/**
 * Reads the settings from environment variables. An empty variable counts as not set.
 * @throws SetupError with one line for each invalid variable
 */
export function readSettings(environment: Environment): Settings {
  const parsed = parseVariables(SettingsSchema, setVariables(SettingsSchema, environment))
  if ('values' in parsed) return parsed.values
  const problems = parsed.problems.map(
    ({ name, given, expected }) => `${name}=${given} is invalid: expected ${expected}`,
  )
  throw new SetupError(`Correct this in .env:\n${problems.join('\n')}`)
}
