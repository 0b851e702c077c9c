import { createHash } from 'node:crypto'
import { html } from 'ghtml'
import { brandLinks } from './brand.ts'
import { problemSummary } from './form.ts'
import { languages } from './messages.ts'
import type { PageContext } from './pages.ts'
import type { PageProblem } from './problem-message.ts'

/**
 * The headers of every page: it loads nothing, runs no script except for that of passkeys, and nothing frames it.
 * @param redirectUri where the answer to a form leads: browsers apply `form-action` to it, too
 */
export function pageHeaders(
  { style, script }: Pick<PageContext, 'style' | 'script'>,
  redirectUri?: unknown,
): Record<string, string> {
  const target =
    typeof redirectUri === 'string' && URL.canParse(redirectUri) ? ` ${sourceOf(new URL(redirectUri))}` : ''
  const scripts = script === undefined ? '' : "script-src 'self';connect-src 'self';"
  return {
    'cache-control': 'no-store',
    'content-security-policy': `default-src 'none';${scripts}style-src '${hashOf(style)}';img-src data:;form-action 'self'${target};base-uri 'none';frame-ancestors 'none'`,
    'content-type': 'text/html; charset=utf-8',
    // With no-referrer, browsers send `Origin: null` with the forms, as if another site had sent them.
    'referrer-policy': 'same-origin',
  }
}

function hashOf(style: string): string {
  return `sha256-${createHash('sha256').update(style).digest('base64')}`
}

/** A scheme of an application has no origin. */
function sourceOf({ protocol, origin }: URL): string {
  return origin === 'null' ? protocol : origin
}

interface PageContent {
  title: string
  /** HTML of which every value is escaped. */
  content: string
  /** What went wrong with the form that was sent. */
  problem?: PageProblem | undefined
}

/** For a page that tells of something that has happened, which no link shows again: it offers no other language. */
export function withoutChoice(context: PageContext): PageContext {
  return { ...context, choices: [] }
}

/** A whole page. */
export function page(context: PageContext, { title, content, problem }: PageContent): string {
  const { language, t, brand, style, script } = context
  // Screen readers read the title of a new page first.
  const shownTitle = problem === undefined ? title : t('error.titlePrefix', { title })
  return html`<!DOCTYPE html>
<html lang="${language}" dir="${languages[language].direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${brand.name === undefined ? shownTitle : `${shownTitle} – ${brand.name}`}</title>
<style>!${style}</style>
!${script === undefined ? '' : html`<script src="${script}" defer></script>`}
</head>
<body>
!${headerOf(context)}
<main>
<h1>${title}</h1>
!${problemSummary(problem)}
!${content}
</main>
!${footerOf(context)}
</body>
</html>
`
}

function headerOf({ brand: { name, logo } }: PageContext): string {
  if (logo === undefined) return name === undefined ? '' : html`<header>${name}</header>`
  const dark = logo.dark === undefined ? '' : html`<source srcset="${logo.dark}" media="(prefers-color-scheme: dark)">`
  return html`<header><picture>!${dark}<img src="${logo.light}" alt="${name ?? ''}"></picture></header>`
}

function footerOf({ t, language, choices, brand }: PageContext): string {
  const links = brandLinks.flatMap((link) => {
    const href = brand.links[link]
    return href === undefined ? [] : html`<a href="${href}">${t(`footer.${link}`)}</a>`
  })
  const others = choices.map(
    ({ language: tag, name, href }) => html`<li><a href="${href}" lang="${tag}" hreflang="${tag}">${name}</a></li>`,
  )
  const languageChoice =
    others.length === 0
      ? ''
      : html`<details><summary><span class="hidden">${t('footer.language')}: </span>${languages[language].name}</summary>
<ul>!${others.join('')}</ul></details>`
  return links.length === 0 && others.length === 0 ? '' : html`<footer>!${languageChoice}!${links.join('')}</footer>`
}
