import { EnvironmentSchema, secretVariables } from '../../api-server/config-schema.ts'

/** What a variable's schema says of it. */
interface Variable {
  description?: string
  default?: unknown
}

/** The sections of the page; a variable belongs to the first whose pattern it matches. */
const sections: [title: string, pattern: RegExp][] = [
  ['Databases', /^(MONGODB_|DATABASE_NAME|COLLECTION_NAME|ALLOW_INSECURE_MONGODB|REDIS_|MIGRATE_)/],
  ['Tokens and sessions', /^(JWT_|ACCESS_TOKEN|REFRESH_TOKEN_|REVOCATION_|OAUTH_)/],
  ['Passwords and accounts', /^(BCRYPT_|PASSWORD_|REGISTRATION_|INITIAL_ADMIN|EMAIL_VERIF|REQUIRE_)/],
  ['Mail', /^(SMTP_|MAIL_)/],
  ['Browsers', /^(CORS_|COOKIE_|PUBLIC_)/],
  ['Limits and locks', /^(RATE_LIMIT_|LOGIN_|KNOWN_DEVICE|TRUST_PROXY|REPLICAS)/],
  ['Logs and traces', /^(LOG_|OTEL_|EMAIL_HASH|SECURITY_EVENT)/],
  ['The process', /./],
]

/** docs/server/configuration.md, from the schema that the server checks its environment with. */
export function configurationPage(): string {
  const names = Object.keys(EnvironmentSchema.properties)
  const sectionOf = (name: string) => sections.find(([, pattern]) => pattern.test(name))?.[0]
  const tables = sections.map(([title]) => {
    const rows = names.filter((name) => sectionOf(name) === title).map(row)
    return rows.length === 0
      ? ''
      : `## ${title}\n| variable | what it is | unless set |\n|---|---|---|\n${rows.join('\n')}\n`
  })
  return `# Configuration of the auth server
By environment variables. Under the operator the fields of the \`AuthService\` set them ([reference](../reference.md)); alone, you do.

The server checks them at its start. When one is wrong it says so for each by name, with what it expected, and ends; it never prints a secret. \`ENVIRONMENT=production\` refuses what no production should have: \`*\` as an origin, an issuer without https, plain-text MongoDB on another host, and secrets that are short or were printed in some guide.

**Secrets as files.** Each of ${secretVariables.map((name) => `\`${name}\``).join(', ')} can also come as a file: \`<NAME>_FILE\` has its path. That keeps the secret out of the environment, which other programs of the same user can read.

**Durations** are a whole number and a unit: \`90s\`, \`15m\`, \`24h\`, \`7d\`. **Rates** are so many in a time: \`100/s\`, \`10/m\`, \`5/h\`. What is behind the limits: [limits.md](limits.md).

${tables.filter((table) => table !== '').join('\n')}`
}

function row(name: string): string {
  const { description = '', default: fallback }: Variable = Reflect.get(EnvironmentSchema.properties, name)
  const isRequired: boolean = (EnvironmentSchema.required as readonly string[]).includes(name) && fallback === undefined
  const unlessSet = isRequired ? '**required**' : fallback === undefined || fallback === '' ? '' : `\`${fallback}\``
  return `| \`${name}\` | ${description.replaceAll('|', '\\|')} | ${unlessSet} |`
}
