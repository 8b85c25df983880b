// Reloads what changes, while the page is looked at. Without it everything works: one reloads the page.
const EVERY = 5000;
const parts = [...document.querySelectorAll('[data-live]')];

async function refresh() {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    for (const part of parts) {
        // Not while somebody has chosen rows, or writes.
        if (part.contains(document.activeElement) || part.querySelector(':checked')) continue;
        const fresh = page.querySelector(`[data-live="${part.dataset.live}"]`);
        if (fresh && fresh.innerHTML !== part.innerHTML) part.innerHTML = fresh.innerHTML;
    }
}

if (parts.length > 0) {
    let paused = false;
    const button = document.createElement('button');
    button.className = 'pause quiet';
    button.textContent = 'Pause updates';
    button.setAttribute('aria-pressed', 'false');
    button.addEventListener('click', () => {
        paused = !paused;
        button.textContent = paused ? 'Resume updates' : 'Pause updates';
        button.setAttribute('aria-pressed', String(paused));
        if (!paused) refresh();
    });
    document.querySelector('h1').after(button);
    const look = () => { if (!paused && !document.hidden) refresh().catch(() => {}); };
    const events = document.querySelector('[data-events]');
    if (events) {
        const source = new EventSource(events.dataset.events);
        for (const kind of ['state', 'progress', 'done']) source.addEventListener(kind, look);
        source.addEventListener('done', () => source.close());
    } else {
        setInterval(look, EVERY);
    }
}
