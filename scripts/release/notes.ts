const repository = 'https://github.com/authservice-operator/authservice-operator'

/**
 * The release notes: the section of this version in the changelog, with links that work outside of the repository.
 *
 * @param fallback another heading, such as `Unreleased`, for a dry run before the section has its version
 * @throws when the changelog has neither
 */
export function releaseNotes(changelog: string, version: string, fallback?: string): string {
  const section = sectionOf(changelog, version) ?? (fallback === undefined ? undefined : sectionOf(changelog, fallback))
  if (section === undefined) {
    throw new Error(`CHANGELOG.md has no section "## [${version}]": rename "## [Unreleased]" and commit it.`)
  }
  return `${absoluteLinks(section, version)}\n`
}

/** The text below `## [name]`, up to the next heading of the same level. */
function sectionOf(changelog: string, name: string): string | undefined {
  const sections = changelog.split(/^## /m).slice(1)
  const found = sections.find((section) => section.startsWith(`[${name}]`))
  return found?.slice(found.indexOf('\n') + 1).trim()
}

function absoluteLinks(markdown: string, version: string): string {
  return markdown.replace(/\]\((?!https?:|#|mailto:)([^)\s]+)\)/g, `](${repository}/blob/v${version}/$1)`)
}
