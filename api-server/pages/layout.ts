import { createHash } from 'node:crypto'
import { html } from 'ghtml'

const style = `
:root{color-scheme:light dark;font:100%/1.5 system-ui,sans-serif}
body{margin:0;display:grid;min-height:100vh;place-items:center}
main{box-sizing:border-box;width:100%;max-width:24rem;padding:1.5rem}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}
label{display:block;margin:1rem 0 .25rem}
input{box-sizing:border-box;width:100%;font:inherit;padding:.5rem;border:1px solid #767676;border-radius:.25rem}
button{font:inherit;margin:1.5rem .5rem 0 0;padding:.5rem 1rem}
form+form{margin-top:0}
.problem{border-left:.25rem solid #c00;padding-left:.75rem}
`

/** The only style of the pages: their policy names its hash. */
const styleSource = `'sha256-${createHash('sha256').update(style).digest('base64')}'`

/**
 * The headers of every page: it loads nothing, runs no script, and nothing frames it.
 * @param redirectUri where the answer to a form leads: browsers apply `form-action` to it, too
 */
export function pageHeaders(redirectUri?: unknown): Record<string, string> {
  const target =
    typeof redirectUri === 'string' && URL.canParse(redirectUri) ? ` ${sourceOf(new URL(redirectUri))}` : ''
  return {
    'cache-control': 'no-store',
    'content-security-policy': `default-src 'none';style-src ${styleSource};form-action 'self'${target};base-uri 'none';frame-ancestors 'none'`,
    'content-type': 'text/html; charset=utf-8',
    // With no-referrer, browsers send `Origin: null` with the forms, as if another site had sent them.
    'referrer-policy': 'same-origin',
  }
}

/** A scheme of an application has no origin. */
function sourceOf({ protocol, origin }: URL): string {
  return origin === 'null' ? protocol : origin
}

/** A whole page. @param content HTML of which every value is escaped */
export function page(title: string, content: string): string {
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>!${style}</style>
</head>
<body>
<main>
<h1>${title}</h1>
!${content}
</main>
</body>
</html>
`
}

/** A sentence about what went wrong, which screen readers announce; nothing for undefined. */
export function problemOf(problem: string | undefined): string {
  return problem === undefined ? '' : html`<p class="problem" role="alert">${problem}</p>`
}
