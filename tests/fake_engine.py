"""A small GTP engine for tests: plays the first empty point, or as its arguments say.

    fake_engine.py [--moves N] [--answer-COMMAND TEXT] [--die-at COMMAND] [--hang-at COMMAND]

After N moves of its own it passes. `--answer-genmove resign` answers that to each genmove;
an answer that begins with `?` is a refusal.
"""

import sys
import time

LETTERS = "ABCDEFGHJKLMNOPQRST"


def main() -> None:
    options = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    size, taken, own_moves, rules = 9, set(), 0, "none"
    print("chatter before the first command", flush=True)
    print("log line", file=sys.stderr, flush=True)
    for line in sys.stdin:
        command, *arguments = line.split()
        answer = ""
        if options.get("--die-at") == command:
            sys.exit(3)
        time.sleep(600 * (options.get("--hang-at") == command))
        if f"--answer-{command}" in options:
            answer = options[f"--answer-{command}"].replace("\\n", "\n")
        elif command == "boardsize":
            size = int(arguments[0])
        elif command == "clear_board":
            taken, own_moves = set(), 0
        elif command == "play":
            taken.add(arguments[1].upper())
        elif command == "genmove":
            points = (f"{LETTERS[c]}{r}" for r in range(size, 0, -1) for c in range(size))
            point = next((p for p in points if p not in taken), "pass")
            answer = "pass" if own_moves >= int(options.get("--moves", "1000")) else point
            taken.add(answer)
            own_moves += 1
        elif command == "kata-set-rules":
            rules = line.split(maxsplit=1)[1].strip()
        elif command in ("echo", "final_score", "rules", "taken"):
            told = {"echo": "\n".join(arguments), "final_score": "B+3.5", "rules": rules}
            answer = told.get(command, " ".join(sorted(taken)))
        elif command not in ("komi", "quit"):
            answer = "? unknown command"
        text = answer if answer.startswith("?") else f"= {answer}"
        print(text, end="\n\n", flush=True)
        if command == "quit":
            break


if __name__ == "__main__":
    main()
