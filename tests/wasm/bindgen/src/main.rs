//! `bindgen OUT FILE.wasm…`: for each file, `OUT/NAME.js` and `OUT/NAME_bg.wasm`, for pages that load modules.

use std::{env, error::Error, path::PathBuf};

use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn Error>> {
    let mut paths = env::args_os().skip(1).map(PathBuf::from);
    let out = paths.next().ok_or("usage: bindgen OUT FILE.wasm…")?;
    for file in paths {
        let mut bindgen = Bindgen::new();
        bindgen
            .input_path(&file)
            .web(true)?
            .typescript(false)
            .omit_default_module_path(false)
            .remove_name_section(true)
            .remove_producers_section(true);
        bindgen.generate(&out).map_err(|error| format!("{}: {error:?}", file.display()))?;
    }
    Ok(())
}
