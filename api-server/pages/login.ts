import { html } from 'ghtml'
import { hiddenField, textField } from './form.ts'
import { page } from './layout.ts'
import type { MessageKey, Translate } from './messages.ts'
import type { PageContext } from './pages.ts'
import { passkeyForm } from './passkey-form.ts'
import type { PageProblem } from './problem-message.ts'

/** The page that asks for email and password. */
export function loginPage(
  context: PageContext,
  content: {
    /** Path of the interaction, without a slash at its end. */
    path: string
    clientName: string
    email: string | undefined
    problem: PageProblem | undefined
    /** Whether users who have forgotten their password can get a link. */
    mayReset: boolean
    mayRegister: boolean
    /** Other providers at which users may log in. */
    providers: readonly NamedProvider[]
    /** The name of the provider that is to be linked to the account of this login; undefined: none. */
    linkTo: string | undefined
  },
): string {
  const { t } = context
  const { path, clientName, email, problem, mayReset, mayRegister, providers, linkTo } = content
  const autocomplete = context.script === undefined ? 'username' : 'username webauthn'
  const fields = [
    textField(
      { name: 'email', label: t('login.email'), type: 'email', autocomplete, maxlength: 254, value: email },
      problem,
    ),
    textField(
      { name: 'password', label: t('login.password'), type: 'password', autocomplete: 'current-password' },
      problem,
    ),
  ]
  return page(context, {
    title: t(linkTo === undefined ? 'login.title' : 'provider.linkTitle'),
    problem,
    content: html`<p>${linkTo === undefined ? t('login.intro', { client: clientName }) : t('provider.linkIntro', { provider: linkTo })}</p>
<form method="post" action="${path}/login">
!${fields.join('')}
<button type="submit">${t('login.submit')}</button>
</form>
!${passkeyOf(context, 'login', `${path}/passkey`)}
!${linkTo === undefined ? providerLinks(t, path, providers) : skipLinkForm(t, path)}
!${mayReset ? html`<p><a href="${path}/forgot">${t('login.forgot')}</a></p>` : ''}
!${mayRegister && linkTo === undefined ? html`<p><a href="${path}/register">${t('login.register')}</a></p>` : ''}
!${cancelForm(t, path)}`,
  })
}

interface NamedProvider {
  /** Part of the path that leads to it. */
  id: string
  name: string
}

/** The page that asks for the email, whose domain decides where the user logs in. */
export function emailPage(
  context: PageContext,
  content: {
    path: string
    clientName: string
    email: string | undefined
    providers: readonly NamedProvider[]
  },
): string {
  const { t } = context
  const { path, clientName, email, providers } = content
  const field = {
    name: 'email',
    label: t('login.email'),
    type: 'email',
    autocomplete: context.script === undefined ? 'username' : 'username webauthn',
    maxlength: 254,
    value: email,
  } as const
  return page(context, {
    title: t('login.title'),
    content: html`<p>${t('login.intro', { client: clientName })}</p>
<form method="post" action="${path}/email">
!${textField(field)}
<button type="submit">${t('action.continue')}</button>
</form>
!${passkeyOf(context, 'login', `${path}/passkey`)}
!${providerLinks(t, path, providers)}
!${cancelForm(t, path)}`,
  })
}

/** The page that leads to a provider, for browsers that do not follow its header. */
export function toProviderPage(
  context: PageContext,
  { href, name, title }: { href: string; name: string; title: MessageKey },
): string {
  const { t } = context
  const content = html`<a class="button" href="${href}">${t('provider.continue', { provider: name })}</a>`
  return page(context, { title: t(title), content })
}

function providerLinks(t: Translate, path: string, providers: readonly NamedProvider[]): string {
  const links = providers.map(
    ({ id, name }) =>
      html`<a class="button plain" href="${path}/provider/${id}">${t('provider.continue', { provider: name })}</a>`,
  )
  return links.join('\n')
}

function skipLinkForm(t: Translate, path: string): string {
  return html`<form method="post" action="${path}/do-not-link"><button type="submit" class="plain">${t('provider.linkSkip')}</button></form>`
}

/** The page that asks for a code of the second factor; with a script, also for a passkey. */
export function codePage(
  context: PageContext,
  content: {
    path: string
    /** Of a login whose password was right; undefined: the browser is logged in, with one factor. */
    mfaToken: string | undefined
    problem: PageProblem | undefined
  },
): string {
  const { t } = context
  const { path, mfaToken, problem } = content
  const action = `${path}/${mfaToken === undefined ? 'step-up' : 'code'}`
  const hidden = mfaToken === undefined ? {} : { mfa_token: mfaToken }
  const field = {
    name: 'code',
    label: t('code.label'),
    hint: t('code.hint'),
    autocomplete: 'one-time-code',
    maxlength: 64,
    more: { autocapitalize: 'characters', spellcheck: 'false' },
  }
  return page(context, {
    title: t('code.title'),
    problem,
    content: html`!${passkeyOf(context, 'get', `${action}/passkey`, hidden)}
<form method="post" action="${action}">
!${Object.entries(hidden).map(([name, value]) => hiddenField(name, value))}
!${textField(field, problem)}
<button type="submit">${t('action.continue')}</button>
</form>
!${cancelForm(t, path)}`,
  })
}

/** The page that asks whether a client may have what it asks for. */
export function consentPage(
  context: PageContext,
  content: {
    path: string
    clientName: string
    scopes: readonly string[]
    /** Names of claims about the user beyond those of the scopes. */
    claims: readonly string[]
    /** APIs that it asks tokens for, with scopes that they define. */
    resources: readonly { uri: string; scopes: readonly string[] }[]
  },
): string {
  const { t } = context
  const { path, clientName, scopes, claims, resources } = content
  const apis = resources.map(({ uri: api, scopes: rights }) =>
    rights.length === 0 ? t('consent.api', { api }) : t('consent.apiScopes', { api, scopes: rights.join(', ') }),
  )
  const keys = [...scopes.map((scope) => descriptions.get(scope)), ...claims.map((claim) => ofClaims.get(claim))]
  const described = [...new Set(keys)].flatMap((key) => (key === undefined ? [] : [t(key)]))
  const custom = claims.filter((claim) => !ofClaims.has(claim)).join(', ')
  const about = custom === '' ? [] : [t('consent.claims', { claims: custom })]
  const items = [...described, ...about, ...apis].map((text) => html`<li>${text}</li>`)
  return page(context, {
    title: t('consent.title', { client: clientName }),
    content: html`<p>${t('consent.intro', { client: clientName })}</p>
<ul>!${items.join('')}</ul>
<form method="post" action="${path}/consent">
<button type="submit">${t('consent.submit')}</button>
</form>
!${cancelForm(t, path)}`,
  })
}

/** What scopes mean, for users. */
const descriptions: ReadonlyMap<string, MessageKey> = new Map([
  ['openid', 'consent.openid'],
  ['profile', 'consent.profile'],
  ['email', 'consent.email'],
  ['offline_access', 'consent.offline_access'],
])

/** What single claims of these scopes mean. */
const ofClaims: ReadonlyMap<string, MessageKey> = new Map([
  ['name', 'consent.profile'],
  ['email', 'consent.email'],
  ['email_verified', 'consent.email'],
])

/** The form for a passkey, on a page with the script. */
function passkeyOf(context: PageContext, kind: 'login' | 'get', action: string, hidden = {}): string {
  if (context.script === undefined) return ''
  return passkeyForm(context, { kind, action, options: `${action}/options`, hidden, label: context.t('passkey.use') })
}

function cancelForm(t: Translate, path: string): string {
  return html`<form method="post" action="${path}/cancel"><button type="submit" class="plain">${t('action.cancel')}</button></form>`
}
