/** The user whom the browser of the suite logs in. */
export const user = { email: 'conformance@example.com', password: 'correct horse battery', name: 'Conformance User' }

export interface Addresses {
  /** Base URL of the suite. */
  suite: string
  issuer: string
  /** Base URL of the suite for logout tokens, which the servers of the provider send. */
  receiver: string
}

/** What the browser of the suite does with one kind of page: an entry of `browser` in the configuration of a plan. */
interface BrowserEntry {
  match: string
  'match-limit'?: number
  tasks: { task: string; match: string; optional: boolean; commands: (string | number)[][] }[]
}

/** The button that continues, on the pages of the login and of consent. */
const next = "//form[.//input[@name='password'] or contains(@action, '/consent')]//button[@type='submit']"
const cancel = "//form[contains(@action, '/cancel')]//button[@type='submit']"

/** Keeps the page as the picture that a test asks for, and does nothing for the others. */
const picture = ['wait', 'xpath', '//h1', 10, '.+', 'update-image-placeholder-optional']

const typing = [
  ['text', 'name', 'email', user.email, 'optional'],
  ['text', 'name', 'password', user.password, 'optional'],
]

function interaction(
  { issuer }: Addresses,
  task: string,
  commands: (string | number)[][],
): BrowserEntry['tasks'][number] {
  return { task, match: `${issuer}/oauth/interaction/*`, optional: true, commands }
}

function authorization({ issuer, suite }: Addresses, steps: BrowserEntry['tasks']): BrowserEntry {
  const refused = { task: 'Error page', match: `${issuer}/oauth/authorize*`, optional: true, commands: [picture] }
  const callback = {
    task: 'Callback',
    // The address of the server has it in a parameter, too.
    match: `${suite}/test/*/callback*`,
    optional: true,
    commands: [['wait', 'id', 'submission_complete', 10]],
  }
  return { match: `${issuer}/oauth/authorize*`, tasks: [...steps, refused, callback] }
}

/** Logs in and agrees where it is asked. @param first what happens on the page of the login before that */
function logIn(addresses: Addresses, first: (string | number)[][] = []): BrowserEntry {
  return authorization(addresses, [
    interaction(addresses, 'Login', [...first, ...typing, ['click', 'xpath', next, 'optional']]),
    interaction(addresses, 'Consent', [['click', 'xpath', next]]),
  ])
}

/** Confirms the logout. The page that follows is ours unless the client has named another one. */
function logOut({ issuer }: Addresses): BrowserEntry {
  const match = `${issuer}/oauth/logout*`
  return {
    match,
    tasks: [
      { task: 'Confirm', match, optional: true, commands: [['click', 'name', 'logout', 'optional']] },
      { task: 'Error or success page', match, optional: true, commands: [picture] },
    ],
  }
}

/** What every test needs. */
export function browserFor(addresses: Addresses): BrowserEntry[] {
  return [logIn(addresses), logOut(addresses)]
}

/** What single tests need instead: by the name of the test. */
export function browserOverrides(addresses: Addresses): Record<string, { browser: BrowserEntry[] }> {
  const look = {
    ...authorization(addresses, [interaction(addresses, 'Look', [['wait', 'xpath', '//form', 10]])]),
    'match-limit': 1,
  }
  // These ask for a picture of the login page.
  const shown = { browser: [logIn(addresses, [picture])] }
  return {
    'oidcc-prompt-login': shown,
    'oidcc-max-age-1': shown,
    'fapi2-security-profile-final-user-rejects-authentication': {
      browser: [authorization(addresses, [interaction(addresses, 'Cancel', [['click', 'xpath', cancel]])])],
    },
    'fapi2-security-profile-final-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds': {
      browser: [look, logIn(addresses)],
    },
  }
}
