// Theme: the system's, light or dark; stored in this browser.

const CHOICES = ["system", "light", "dark"];
const KEY = "alchemorsel-theme";

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // Storage is switched off: the choice lasts as long as the page.
  }
}

/** Lets a button go through the choices. */
export function chooseTheme(button) {
  let chosen = Math.max(0, CHOICES.indexOf(remembered()));
  const apply = () => {
    document.documentElement.dataset.theme = CHOICES[chosen];
    button.textContent = `Theme: ${CHOICES[chosen]}`;
  };
  button.addEventListener("click", () => {
    chosen = (chosen + 1) % CHOICES.length;
    try {
      localStorage.setItem(KEY, CHOICES[chosen]);
    } catch {
      // See above.
    }
    apply();
  });
  apply();
}
