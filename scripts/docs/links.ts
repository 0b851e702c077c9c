/** A relative link of a page. */
export interface Link {
  /** Relative to the folder of the page; empty for a link within the page. */
  path: string
  anchor: string
}

/** The relative links and images of a Markdown page. */
export function linksOf(page: string): Link[] {
  const text = withoutFences(page).replaceAll(/`[^`\n]*`/g, '')
  return [...text.matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z][a-z0-9+.-]*:/i.test(target))
    .map((target) => {
      const [path = '', anchor = ''] = target.split('#')
      return { path, anchor }
    })
}

/** The valid anchors of a page, by the rules of GitHub: a repeated heading gets a number. */
export function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of withoutFences(page).matchAll(/^#{1,6} (.+)$/gm)) {
    const plain = slugOf(heading)
    const others = [...anchors].filter((anchor) => anchor.replace(/-\d+$/, '') === plain).length
    anchors.add(others === 0 ? plain : `${plain}-${others}`)
  }
  return anchors
}

function slugOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

function withoutFences(page: string): string {
  return page.replaceAll(/^```[\s\S]*?^```/gm, '')
}
