/** The words that a shell offers after `pgquake`, and the scripts that ask for them. */

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

interface CompletionSources {
  readonly commands: readonly string[];
  /** Whether scenarios may follow a command; `undefined` means that no command is named. */
  takesScenarios(command: string | undefined): boolean;
  /** Option names without hyphens. */
  optionsOf(command: string | undefined): Promise<readonly string[]>;
  scenarios(): Promise<readonly string[]>;
}

/**
 * @param words the words after the program's name; the last one is being typed and may be empty.
 * @returns words that may complete the last one, sorted.
 */
export async function candidates(words: readonly string[], sources: CompletionSources): Promise<string[]> {
  const typed = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const command = before.find((word) => sources.commands.includes(word));
  const offered = typed.startsWith('-')
    ? (await sources.optionsOf(command)).map((name) => `--${name}`)
    : [
        ...(before.length === 0 ? sources.commands : []),
        ...(sources.takesScenarios(command) ? await sources.scenarios() : []),
      ];
  return [...new Set(offered)].filter((word) => word.startsWith(typed)).sort();
}

/** Scripts for the shell's start-up file; they offer files when pgquake offers no word. */
export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `_pgquake() {
  local IFS=$'\\n'
  COMPREPLY=($(pgquake completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _pgquake pgquake
`,
  zsh: `#compdef pgquake
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
_pgquake() {
  local -a found
  found=("\${(@f)$(pgquake completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  [[ -n "$found" ]] && compadd -a found || _files
}
compdef _pgquake pgquake
`,
  fish: `function __pgquake_words
  pgquake completion words -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null
end
complete -c pgquake -a '(__pgquake_words)'
`,
};
