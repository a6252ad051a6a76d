/*
 * Turns Svrsw60t59b on: spike's page-table walk knows the extension, and no name of --isa does (isa_parser.cc, 2026-06).
 *
 * The table of what is enabled is found in the CPU by its value: where it lies differs between the headers that come with spike and the program.
 */
#include <sys/syscall.h>
#ifndef SYS_futex
#define SYS_futex 202 /* spike's own syscall.h may come first; what asks for the number is not used */
#endif
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include "extension.h"
#include "processor.h"

struct rsw : extension_t {
	const char *name() const override { return "rsw"; }
	void reset(processor_t &cpu) override
	{
		auto table = cpu.get_isa().get_extension_table();
		char *found = nullptr, *place = reinterpret_cast<char *>(&cpu);
		const char *isa = reinterpret_cast<const char *>(&cpu.get_isa());

		for (char *at = place; at + sizeof table <= place + sizeof cpu; at += 8) {
			if (at >= isa && at < isa + sizeof cpu.get_isa()) /* the parser's own, which nothing reads any more */
				continue;
			if (memcmp(at, &table, sizeof table))
				continue;
			if (found) {
				fputs("rsw: two tables look like that of the extensions\n", stderr);
				exit(2);
			}
			found = at;
		}
		if (!found) {
			fputs("rsw: there is no table of extensions\n", stderr);
			exit(2);
		}
		table.set(EXT_SVRSW60T59B);
		memcpy(found, &table, sizeof table);
	}
	std::vector<insn_desc_t> get_instructions(const processor_t &) override { return {}; }
	std::vector<disasm_insn_t *> get_disasms(const processor_t *) override { return {}; }
};

REGISTER_EXTENSION(rsw, []() { static rsw one; return &one; })
