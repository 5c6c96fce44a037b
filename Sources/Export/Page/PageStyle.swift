/// The look of the page. No address stands in it, so that nothing is ever fetched.
enum PageStyle {
    static let text = """
        :root {
          color-scheme: light dark;
          --paper: #ffffff; --panel: #f5f6f8; --ink: #14171f; --soft: #555d6e; --line: #d9dde5;
          --accent: #1f5fd6; --accent-ink: #ffffff; --band-a: #3f74d4; --band-b: #86a9e6; --band-on: #0f2f73;
          --now: #c2255c; --found: #b45f06; --warn: #fff3d6; --warn-line: #d8a21b; --warn-ink: #5a4100;
          --shadow: 0 1px 2px rgb(20 23 31 / .08), 0 4px 16px rgb(20 23 31 / .06);
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --paper: #12141a; --panel: #1b1e26; --ink: #eceef3; --soft: #a4acbb; --line: #313643;
            --accent: #8ab4ff; --accent-ink: #0d1117; --band-a: #4f7cd0; --band-b: #2f4b80; --band-on: #c4d8ff;
            --now: #ff7aa8; --found: #f0a95a; --warn: #33290f; --warn-line: #a37a14; --warn-ink: #f5dfa8;
            --shadow: 0 0 0 1px #2a2f3a;
          }
        }
        * { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
        @media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
        body {
          margin: 0; background: var(--paper); color: var(--ink);
          font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Noto Sans", "Liberation Sans", "DejaVu Sans", sans-serif;
          overflow-wrap: anywhere;
        }
        .page { max-width: 78rem; margin: 0 auto; padding: 2rem clamp(1rem, 4vw, 3rem) 3rem; }
        h1 { font-size: clamp(1.5rem, 1.1rem + 1.6vw, 2.1rem); line-height: 1.2; margin: 0; letter-spacing: -.015em; }
        h2 { font-size: 1.15rem; margin: 2.25rem 0 .75rem; letter-spacing: -.005em; }
        h3 { font-size: 1rem; margin: 0 0 .35rem; }
        p { margin: 0 0 .6rem; }
        p:last-child { margin-bottom: 0; }
        .facts { color: var(--soft); margin: .4rem 0 0; font-size: .92rem; }
        .facts span:not(:last-child)::after { content: "·"; margin: 0 .5em; }
        .lead { font-size: 1.1rem; max-width: 62rem; margin: 1.25rem 0 0; }
        .note {
          background: var(--warn); border-left: 4px solid var(--warn-line); color: var(--warn-ink);
          border-radius: 0 8px 8px 0; padding: .55rem .9rem; margin: 1rem 0 0; font-size: .93rem;
        }
        .note + .note { margin-top: .5rem; }
        .player { margin-top: 1.5rem; }
        video {
          display: block; width: 100%; max-height: min(56vh, 34rem); background: #000;
          border-radius: 10px; box-shadow: var(--shadow);
        }
        video[hidden], .choose[hidden] { display: none; }
        .choose {
          border: 1.5px dashed var(--line); border-radius: 10px; background: var(--panel);
          padding: 1.1rem 1.25rem; display: flex; flex-wrap: wrap; gap: .75rem 1.25rem; align-items: center;
        }
        .choose p { margin: 0; flex: 1 1 20rem; color: var(--soft); font-size: .95rem; }
        html:not(.live) .player .choose, html:not(.live) video:not([src]) { display: none; }
        .file { position: relative; display: inline-block; }
        .file span {
          display: inline-block; background: var(--accent); color: var(--accent-ink); font-weight: 600;
          padding: .5rem 1rem; border-radius: 8px; cursor: pointer;
        }
        .file input { position: absolute; inset: 0; opacity: 0; width: 100%; cursor: pointer; }
        .file input:focus-visible + span { outline: 3px solid var(--now); outline-offset: 2px; }
        .timeline { display: grid; grid-template-columns: auto 1fr; column-gap: .6rem; margin-top: 1rem; border-radius: 8px; }
        .timeline:focus-visible { outline: 3px solid var(--accent); outline-offset: 4px; }
        .labels { font-size: .8rem; color: var(--soft); font-weight: 600; }
        .labels span { display: block; height: 20px; line-height: 20px; }
        .labels span:first-child { height: 36px; }
        .timeline svg { display: block; width: 100%; overflow: visible; }
        .live .timeline svg { cursor: pointer; }
        .track { fill: var(--panel); }
        .band { stroke: var(--paper); stroke-width: 2; fill: var(--band-a); }
        .band.b { fill: var(--band-b); }
        .band.on { fill: var(--band-on); }
        .unseen { fill: url(#hatch); }
        .hatch { stroke: var(--ink); stroke-width: 2; opacity: .55; }
        .lane { fill: var(--panel); }
        .mark { fill: var(--found); }
        .axis { stroke: var(--line); }
        .tick { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
        .needle { stroke: var(--now); stroke-width: 2; display: none; }
        .live .needle { display: inline; }
        .list { list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem; }
        .card {
          display: grid; grid-template-columns: 11rem 1fr; gap: 1rem; padding: .75rem;
          border: 1px solid var(--line); border-radius: 12px; background: var(--paper);
        }
        .card.plain { grid-template-columns: 1fr; padding: .9rem 1.1rem; }
        .card.on { border-color: var(--accent); box-shadow: inset 4px 0 0 var(--accent); }
        .shot {
          appearance: none; border: 0; padding: 0; background: var(--panel); border-radius: 8px; overflow: hidden;
          display: block; width: 100%; line-height: 0; align-self: start; font: inherit; color: inherit;
        }
        .live .shot { cursor: pointer; }
        .shot img { display: block; width: 100%; height: auto; max-height: 11rem; object-fit: contain; }
        button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
        .when { display: flex; flex-wrap: wrap; gap: .15rem .6rem; align-items: baseline; margin-bottom: .3rem; font-size: .93rem; color: var(--soft); }
        .time {
          appearance: none; border: 0; background: none; padding: .1rem 0; font: inherit; font-weight: 650;
          color: var(--accent); font-variant-numeric: tabular-nums;
        }
        .live .time { cursor: pointer; text-decoration: underline; text-decoration-thickness: 1px; text-underline-offset: .2em; }
        .tag { font-size: .8rem; border: 1px solid var(--line); border-radius: 99px; padding: 0 .55em; color: var(--soft); }
        .chips { display: flex; flex-wrap: wrap; gap: .4rem; margin: .6rem 0 0; padding: 0; list-style: none; }
        .chip {
          appearance: none; font: inherit; font-size: .9rem; color: var(--ink); background: var(--panel); border: 1px solid var(--line);
          border-left: 4px solid var(--found); border-radius: 6px; padding: .25rem .6rem; text-align: start;
        }
        .chip b { font-variant-numeric: tabular-nums; }
        .live .chip { cursor: pointer; }
        .live .chip:hover, .live .time:hover, .live .shot:hover { filter: brightness(1.08); }
        .choices { width: 100%; max-width: 34rem; margin-top: .6rem; border-collapse: collapse; font-size: .95rem; }
        .choices th { text-align: start; font-weight: 500; padding: .15rem .75rem .15rem 0; width: 40%; }
        .choices td { padding: .15rem 0; }
        .choices td:last-child { text-align: end; width: 4rem; font-variant-numeric: tabular-nums; }
        .choices svg { display: block; width: 100%; height: 10px; }
        .choices .won th, .choices .won td { font-weight: 700; }
        pre { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: .75rem; margin: .4rem 0 0; overflow-x: auto; font-size: .88rem; white-space: pre-wrap; }
        details { margin-top: 2.25rem; border-top: 1px solid var(--line); padding-top: 1rem; }
        summary { cursor: pointer; font-weight: 600; }
        summary:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 4px; }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; margin: .75rem 0 0; font-size: .92rem; }
        dt { color: var(--soft); }
        dd { margin: 0; }
        .small { color: var(--soft); font-size: .88rem; margin-top: .75rem; }
        .skip { position: absolute; left: -99rem; }
        .skip:focus { position: static; }
        .sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
        @media (min-width: 64rem) {
          .live .watch { display: grid; grid-template-columns: minmax(0, 1.05fr) minmax(0, 1fr); gap: 2.5rem; align-items: start; }
          .live .watch > .side { position: sticky; top: 1rem; }
          .live .watch h2:first-child { margin-top: 1.5rem; }
        }
        @media (max-width: 34rem) { .card { grid-template-columns: 7.5rem 1fr; gap: .75rem; padding: .6rem; } }
        @media (max-width: 20rem) { .card { grid-template-columns: 1fr; } }
        @media print {
          :root { --paper: #fff; --panel: #f2f2f2; --ink: #000; --soft: #444; --line: #bbb; --accent: #000; --warn: #fff; --warn-ink: #000; }
          body { font-size: 10.5pt; }
          .page { padding: 0; max-width: none; }
          .player, .choose, .skip { display: none !important; }
          .live .watch { display: block; }
          .live .watch > .side { position: static; }
          .card, .note { break-inside: avoid; }
          .card { grid-template-columns: 4.2cm 1fr; border-color: #bbb; }
          .card.plain { grid-template-columns: 1fr; }
          .card.on { box-shadow: none; border-color: #bbb; }
          .band.on { fill: var(--band-a); }
          .band.b.on { fill: var(--band-b); }
          .needle { display: none !important; }
          .band, .mark, .lane, .track { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
          .live .time { text-decoration: none; }
        }
        """
}
