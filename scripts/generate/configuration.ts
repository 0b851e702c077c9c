import { EnvironmentSchema, secretVariables } from '../../contract/environment.ts'

/** The part of the schema of a variable that the page shows. */
interface Variable {
  description?: string
  default?: unknown
}

/** The sections of the page; a variable belongs to the first whose pattern it matches. */
const sections: [title: string, pattern: RegExp][] = [
  ['Databases', /^(MONGODB_|DATABASE_NAME|COLLECTION_NAME|ALLOW_INSECURE_|REDIS_|MIGRATE_)/],
  ['Tokens and sessions', /^(JWT_|ACCESS_TOKEN|REFRESH_TOKEN_|REVOCATION_|OAUTH_)/],
  ['Passwords and accounts', /^(BCRYPT_|PASSWORD_|REGISTRATION_|INITIAL_ADMIN|EMAIL_VERIF|REQUIRE_)/],
  ['Second factors', /^(MFA|WEBAUTHN)_/],
  ['Mail', /^(SMTP_|MAIL_)/],
  ['Browsers', /^(CORS_|COOKIE_|PUBLIC_)/],
  ['Limits and locks', /^(RATE_LIMIT_|LOGIN_|KNOWN_DEVICE|TRUST_PROXY|REPLICAS)/],
  ['Logs and traces', /^(LOG_|OTEL_|EMAIL_HASH|SECURITY_EVENT)/],
  ['The process', /./],
]

/** docs/server/configuration.md, from the schema with which the server checks its environment. */
export function configurationPage(): string {
  const names = Object.keys(EnvironmentSchema.properties)
  const sectionOf = (name: string) => sections.find(([, pattern]) => pattern.test(name))?.[0]
  const tables = sections.map(([title]) => {
    const rows = names.filter((name) => sectionOf(name) === title).map(row)
    return rows.length === 0
      ? ''
      : `## ${title}\n| variable | description | default |\n|---|---|---|\n${rows.join('\n')}\n`
  })
  return `# Configuration of the auth server
Environment variables configure the auth server. With the operator, the fields of an \`AuthService\` set them ([reference](../reference.md)). Without the operator, you set them.

The server checks all variables at startup. If any of them is invalid, it prints the name of each invalid variable and what it expected, and exits. It never prints a secret. \`ENVIRONMENT=production\` refuses unsafe settings: \`*\` as an origin, an issuer without https, unencrypted connections to databases on another host, and secrets that are short or appear in a public guide.

**Secrets as files.** The server can read each of these variables from a file: ${secretVariables.map((name) => `\`${name}\``).join(', ')}. Set \`<NAME>_FILE\` to the path of the file. This keeps the secret out of the environment, which other programs of the same user can read.

**Durations** consist of a whole number and a unit: \`90s\`, \`15m\`, \`24h\`, \`7d\`. **Rates** are a number in a unit of time: \`100/s\`, \`10/m\`, \`5/h\`. [limits.md](limits.md) explains the limits.

${tables.filter((table) => table !== '').join('\n')}`
}

function row(name: string): string {
  const { description = '', default: fallback }: Variable = Reflect.get(EnvironmentSchema.properties, name)
  const isRequired: boolean = (EnvironmentSchema.required as readonly string[]).includes(name) && fallback === undefined
  const unlessSet = isRequired ? '**required**' : fallback === undefined || fallback === '' ? '' : `\`${fallback}\``
  return `| \`${name}\` | ${description.replaceAll('|', '\\|')} | ${unlessSet} |`
}
