import { html } from 'ghtml'
import { page, problemOf } from './layout.ts'

/** The page that asks for email and password. */
export function loginPage(content: {
  /** Path of the interaction, without a slash at its end. */
  path: string
  clientName: string
  email: string | undefined
  problem: string | undefined
}): string {
  const { path, clientName, email, problem } = content
  return page(
    'Log in',
    html`!${problemOf(problem)}
<p>to continue to ${clientName}</p>
<form method="post" action="${path}/login">
<label for="email">Email</label>
<input id="email" name="email" type="email" autocomplete="username" required maxlength="254" value="${email ?? ''}">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button type="submit">Log in</button>
</form>
!${cancelForm(path)}`,
  )
}

/** The page that asks for a code of the second factor. */
export function codePage(content: {
  path: string
  /** Of a login whose password was right; undefined: the browser is logged in, with one factor. */
  mfaToken: string | undefined
  problem: string | undefined
}): string {
  const { path, mfaToken, problem } = content
  const login = mfaToken === undefined ? '' : html`<input type="hidden" name="mfa_token" value="${mfaToken}">`
  return page(
    'Enter your code',
    html`!${problemOf(problem)}
<p>Open your authenticator app, or use one of your recovery codes.</p>
<form method="post" action="${path}/${mfaToken === undefined ? 'step-up' : 'code'}">
!${login}
<label for="code">Code</label>
<input id="code" name="code" autocomplete="one-time-code" required maxlength="64">
<button type="submit">Continue</button>
</form>
!${cancelForm(path)}`,
  )
}

/** The page that asks whether a client may have what it asks for. */
export function consentPage(content: {
  path: string
  clientName: string
  scopes: readonly string[]
  /** APIs that it asks tokens for, with scopes that they define. */
  resources: readonly { uri: string; scopes: readonly string[] }[]
}): string {
  const { path, clientName, scopes, resources } = content
  const apis = resources.map(({ uri, scopes: rights }) =>
    rights.length === 0 ? `use ${uri}` : `use ${uri}: ${rights.join(', ')}`,
  )
  const items = [...scopes.flatMap((scope) => descriptions[scope] ?? []), ...apis].map((text) => html`<li>${text}</li>`)
  return page(
    `${clientName} asks for access`,
    html`<p>${clientName} will be able to:</p>
<ul>!${items.join('')}</ul>
<form method="post" action="${path}/consent">
<button type="submit">Allow</button>
</form>
!${cancelForm(path)}`,
  )
}

/** What scopes mean, for users. */
const descriptions: Readonly<Record<string, string>> = {
  openid: 'know who you are',
  profile: 'see your name',
  email: 'see your email',
  offline_access: 'keep this access after you log out, until you end its session',
}

function cancelForm(path: string): string {
  return html`<form method="post" action="${path}/cancel"><button type="submit">Cancel</button></form>`
}
